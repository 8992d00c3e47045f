//! N1-N4: snapshots.

use asynx_core::store::{Snapshot, SnapshotStore};
use asynx_core::{SchemaVersion, StreamId, Version};
use bytes::Bytes;

use super::Trial;
use super::check::Kept;

fn snapshot(version: u64, schema: u32, text: &str) -> Snapshot {
    Snapshot {
        version: Version::new(version).expect("a version"),
        schema_version: SchemaVersion::new(schema).expect("a schema version"),
        document: Bytes::from(format!(r#"{{"text":"{text}"}}"#)),
    }
}

#[track_caller]
fn put(
    trial: &Trial,
    snapshots: &dyn SnapshotStore,
    stream: &StreamId,
    snapshot: &Snapshot,
) -> impl Future<Output = Kept> {
    trial.asserts(async move {
        let what = format!("putting a snapshot of version {}", snapshot.version);
        trial.ok(what, snapshots.put(stream, snapshot.clone())).await
    })
}

#[track_caller]
fn gives(
    trial: &Trial,
    snapshots: &dyn SnapshotStore,
    stream: &StreamId,
    schema: u32,
    expected: Option<&Snapshot>,
    when: &str,
) -> impl Future<Output = Kept> {
    trial.asserts(async move {
        let schema = SchemaVersion::new(schema).expect("a schema version");
        let found = trial.ok("getting a snapshot", snapshots.get(stream, schema)).await?;
        trial.equal(
            format!("the snapshot of schema {schema} {when}"),
            found.as_ref(),
            expected,
        )
    })
}

/// A snapshot of a lower version does not replace a newer one, also where many are put at the same moment.
pub async fn n1_older_snapshots_do_not_replace_newer(trial: &Trial) -> Kept {
    let Some(snapshots) = trial.snapshots()? else {
        return Ok(());
    };
    let stream = trial.stream("a");
    trial.fill(&stream, 1, 20).await?;
    let newer = snapshot(5, 1, "newer");
    put(trial, snapshots, &stream, &newer).await?;
    for version in [4, 1] {
        put(trial, snapshots, &stream, &snapshot(version, 1, "older")).await?;
        gives(trial, snapshots, &stream, 1, Some(&newer), "after an older one was put").await?;
    }
    let racers = (6..=20).map(|version| {
        let (trial, stream) = (trial.clone(), stream.clone());
        async move {
            let Some(snapshots) = trial.snapshots()? else {
                return Ok(());
            };
            put(&trial, snapshots, &stream, &snapshot(version, 1, "racing")).await
        }
    });
    trial.race(racers).await?.into_iter().collect::<Kept>()?;
    gives(
        trial,
        snapshots,
        &stream,
        1,
        Some(&snapshot(20, 1, "racing")),
        "after a race",
    )
    .await
}

/// Each schema has its own newest snapshot, with the bytes that were put last; one of the same version is replaced,
/// so that a damaged one can be mended.
pub async fn n2_the_newest_of_the_very_schema_is_given(trial: &Trial) -> Kept {
    let Some(snapshots) = trial.snapshots()? else {
        return Ok(());
    };
    let stream = trial.stream("a");
    trial.fill(&stream, 1, 9).await?;
    gives(trial, snapshots, &stream, 1, None, "before any was put").await?;
    let (one, two) = (snapshot(7, 1, "one"), snapshot(3, 2, "two 🦀 \\u0000"));
    put(trial, snapshots, &stream, &one).await?;
    gives(trial, snapshots, &stream, 2, None, "of which none was put").await?;
    put(trial, snapshots, &stream, &two).await?;
    for (schema, expected) in [(1, Some(&one)), (2, Some(&two)), (3, None)] {
        gives(trial, snapshots, &stream, schema, expected, "beside another schema").await?;
    }
    for replacing in [snapshot(7, 1, "mended"), snapshot(9, 1, "newest")] {
        put(trial, snapshots, &stream, &replacing).await?;
        gives(trial, snapshots, &stream, 1, Some(&replacing), "that was put last").await?;
    }
    let large = Snapshot {
        document: Bytes::from(format!("\"{}\"", "x".repeat(1_000_000))),
        ..snapshot(9, 2, "")
    };
    put(trial, snapshots, &stream, &large).await?;
    let found = snapshots.get(&stream, large.schema_version);
    let same = trial.ok("getting a large snapshot", found).await? == Some(large);
    trial.ensure(same, "a snapshot of a megabyte came back with other bytes")
}

/// After a delete nothing at or below its version comes back, of no schema; above it everything stays and is taken.
pub async fn n3_deleted_snapshots_stay_away(trial: &Trial) -> Kept {
    let Some(snapshots) = trial.snapshots()? else {
        return Ok(());
    };
    let stream = trial.stream("a");
    trial.fill(&stream, 1, 9).await?;
    let kept = snapshot(6, 3, "kept");
    for snapshot in [&snapshot(4, 1, "gone"), &snapshot(5, 2, "gone"), &kept] {
        put(trial, snapshots, &stream, snapshot).await?;
    }
    let through = Version::new(5).expect("a version");
    for _ in 0..2 {
        trial
            .ok("deleting snapshots", snapshots.delete_through(&stream, through))
            .await?;
    }
    for schema in [1, 2] {
        gives(trial, snapshots, &stream, schema, None, "after a delete").await?;
        for version in [5, 4, 1] {
            put(trial, snapshots, &stream, &snapshot(version, schema, "late")).await?;
            gives(
                trial,
                snapshots,
                &stream,
                schema,
                None,
                "after a late put below a delete",
            )
            .await?;
        }
    }
    gives(trial, snapshots, &stream, 3, Some(&kept), "above a delete").await?;
    // A schema that had no snapshot when the delete came is fenced as well.
    put(trial, snapshots, &stream, &snapshot(5, 4, "late")).await?;
    gives(
        trial,
        snapshots,
        &stream,
        4,
        None,
        "of a schema that a delete did not meet",
    )
    .await?;
    let above = snapshot(6, 1, "above");
    put(trial, snapshots, &stream, &above).await?;
    gives(trial, snapshots, &stream, 1, Some(&above), "put above a delete").await?;
    // Also where there was nothing to delete.
    let empty = trial.stream("empty");
    trial.fill(&empty, 1, 3).await?;
    let through = Version::new(2).expect("a version");
    trial
        .ok("deleting snapshots", snapshots.delete_through(&empty, through))
        .await?;
    put(trial, snapshots, &empty, &snapshot(2, 1, "late")).await?;
    gives(trial, snapshots, &empty, 1, None, "after a delete of nothing").await
}

/// Neither puts nor deletes of one stream change another's snapshots.
pub async fn n4_streams_do_not_affect_each_other(trial: &Trial) -> Kept {
    let Some(snapshots) = trial.snapshots()? else {
        return Ok(());
    };
    let streams: Vec<_> = ["a", "A", "a ", "b"].iter().map(|id| trial.stream(id)).collect();
    for (n, stream) in (1..).zip(&streams) {
        trial.fill(stream, 1, 5).await?;
        put(trial, snapshots, stream, &snapshot(n, 1, "own")).await?;
    }
    for (n, stream) in (1..).zip(&streams) {
        gives(
            trial,
            snapshots,
            stream,
            1,
            Some(&snapshot(n, 1, "own")),
            "beside other streams",
        )
        .await?;
    }
    let through = Version::new(5).expect("a version");
    trial
        .ok("deleting snapshots", snapshots.delete_through(&streams[3], through))
        .await?;
    for (n, stream) in (1..).zip(&streams[..3]) {
        let own = snapshot(n, 1, "own");
        gives(trial, snapshots, stream, 1, Some(&own), "after another stream's delete").await?;
    }
    let again = snapshot(4, 1, "again");
    put(trial, snapshots, &streams[0], &again).await?;
    gives(
        trial,
        snapshots,
        &streams[0],
        1,
        Some(&again),
        "put after another stream's delete",
    )
    .await
}
