//! S12: deleting.

use asynx_core::store::{Head, Loaded, Snapshot};
use asynx_core::{SchemaVersion, Version};
use bytes::Bytes;

use super::Trial;
use super::check::Kept;

/// A deleted stream is as one that never was, with its snapshots, and may begin anew; its neighbours stay.
pub async fn s12_a_deleted_stream_is_unknown(trial: &Trial) -> Kept {
    let (stream, other) = (trial.stream("a"), trial.stream("b"));
    let events = trial.fill(&stream, 1, 4).await?;
    let others = trial.fill(&other, 1, 3).await?;
    if let Some(snapshots) = trial.snapshots()? {
        for stream in [&stream, &other] {
            let snapshot = snapshots.put(stream, snapshot());
            trial.ok("putting a snapshot", snapshot).await?;
        }
    }
    trial.ok("deleting", trial.store().delete(&stream)).await?;
    trial.holds(&stream, &[]).await?;
    trial.equal("the count after a delete", trial.count(&stream).await?, 0)?;
    let head = trial.head(&stream, Some(events[0].event_id)).await?;
    trial.equal("the head after a delete", head, Head::default())?;
    trial.equal("the load after a delete", trial.load(&stream).await?, Loaded::default())?;
    if let Some(snapshots) = trial.snapshots()? {
        let get = |stream| snapshots.get(stream, SchemaVersion::FIRST);
        let gone = trial.ok("getting a snapshot", get(&stream)).await?;
        trial.equal("the snapshot after a delete", gone, None)?;
        let kept = trial.ok("getting a snapshot", get(&other)).await?;
        trial.equal("the snapshot of another stream after a delete", kept, Some(snapshot()))?;
    }
    trial.holds(&other, &others).await?;
    let anew = trial.fill(&stream, 1, 2).await?;
    trial.holds(&stream, &anew).await
}

fn snapshot() -> Snapshot {
    Snapshot {
        version: Version::FIRST.plus(1),
        schema_version: SchemaVersion::FIRST,
        document: Bytes::from_static(b"{}"),
    }
}

/// Deleting what is not there, or no longer, succeeds.
pub async fn s12_deleting_nothing_succeeds(trial: &Trial) -> Kept {
    let stream = trial.stream("a");
    trial
        .ok("deleting an unknown stream", trial.store().delete(&stream))
        .await?;
    trial.fill(&stream, 1, 1).await?;
    for _ in 0..2 {
        trial.ok("deleting again", trial.store().delete(&stream)).await?;
    }
    trial.holds(&stream, &[]).await
}
