//! E1-E5: forgetting.

use asynx_core::store::{
    AppendError, AppendGroup, Erase, EventLog, ForgetPolicy, Load, LogEvent, NewEvent, PendingErasure, Snapshot,
};
use asynx_core::{SchemaVersion, StreamId, Version};
use bytes::Bytes;

use super::Trial;
use super::check::Kept;
use super::log::{everything, of_stream};
use crate::samples;

pub(super) const POLICIES: [ForgetPolicy; 2] = [ForgetPolicy::KeepRows, ForgetPolicy::EraseAll];
/// Stands for personal data.
pub(super) const SECRET: &str = "Ada Lovelace";

pub(super) fn version(number: u64) -> Version {
    Version::new(number).expect("a version")
}

pub(super) fn snapshot(at: u64, text: &str) -> Snapshot {
    Snapshot {
        version: version(at),
        schema_version: SchemaVersion::FIRST,
        document: Bytes::from(format!("{text:?}")),
    }
}

/// Two events that carry the secret, the tombstone at version 3, then two events of the next life.
#[track_caller]
pub(super) fn two_lives(trial: &Trial, stream: &StreamId) -> impl Future<Output = Kept<Vec<NewEvent>>> {
    trial.asks(async move {
        let mut events = vec![samples::carrying(1, SECRET), samples::carrying(2, SECRET)];
        events.push(samples::tombstone(3));
        events.extend([samples::event(4), samples::event(5)]);
        for event in &events {
            trial.append(stream, event.clone()).await?;
        }
        Ok(events)
    })
}

#[track_caller]
pub(super) fn erase_through(
    trial: &Trial,
    erase: &dyn Erase,
    stream: &StreamId,
    at: u64,
    policy: ForgetPolicy,
) -> impl Future<Output = Kept> {
    trial.asserts(async move {
        let what = format!("erasing through version {at} ({policy:?})");
        trial.ok(what, erase.erase_through(stream, version(at), policy)).await
    })
}

#[track_caller]
pub(super) fn pending(trial: &Trial, erase: &dyn Erase) -> impl Future<Output = Kept<Vec<PendingErasure>>> {
    trial.asks(async move {
        trial
            .ok("asking for pending erasures", erase.pending(&trial.category()))
            .await
    })
}

/// A tombstone, alone or in a group, moves the floor and is pending; a refused one does neither.
pub async fn e1_a_tombstone_moves_the_floor(trial: &Trial) -> Kept {
    let Some(erase) = trial.erase()? else {
        return Ok(());
    };
    let (alone, grouped) = (trial.stream("alone"), trial.stream("grouped"));
    trial.fill(&alone, 1, 2).await?;
    trial.fill(&grouped, 1, 1).await?;
    let refused = trial.store().append(&alone, samples::tombstone(2)).await;
    trial.refused("a tombstone at a taken version", refused, |error| {
        matches!(error, AppendError::Conflict)
    })?;
    let head = trial.head(&alone, None).await?;
    trial.equal(
        "floor and erasure after a refused tombstone",
        (head.floor, head.erasing),
        (None, false),
    )?;
    trial.equal(
        "pending after a refused tombstone",
        pending(trial, erase).await?,
        Vec::new(),
    )?;

    trial.append(&alone, samples::tombstone(3)).await?;
    let group = AppendGroup {
        stream: grouped.clone(),
        events: vec![samples::event(2), samples::tombstone(3), samples::event(4)],
    };
    let outcome = trial.batch(&[group]).await?.remove(0);
    trial.ensure(
        outcome.stopped.is_none(),
        format!("a group with a tombstone ended with {outcome:?}"),
    )?;
    for (stream, newest) in [(&alone, 3), (&grouped, 4)] {
        let head = trial.head(stream, None).await?;
        trial.equal("the head over a tombstone", head.version, Version::new(newest))?;
        trial.equal("the floor after a tombstone", head.floor, Version::new(3))?;
        trial.ensure(
            head.erasing,
            "a head with a new tombstone does not tell that it is erasing",
        )?;
        let loaded = trial.load(stream).await?;
        trial.equal("the floor of a load after a tombstone", loaded.floor, Version::new(3))?;
    }
    let mut found = pending(trial, erase).await?;
    found.sort_by(|a, b| a.stream.cmp(&b.stream));
    let expected = [alone, grouped].map(|stream| PendingErasure {
        stream,
        tombstone: version(3),
    });
    trial.equal("the pending erasures", found, expected.to_vec())
}

/// Between tombstone and erasure the old life is there for reads, and for loads it is not.
pub async fn e2_the_old_life_is_read_and_not_loaded(trial: &Trial) -> Kept {
    if trial.erase()?.is_none() {
        return Ok(());
    }
    let stream = trial.stream("a");
    trial.fill(&stream, 1, 2).await?;
    let snapshots = trial.snapshots()?;
    if let Some(snapshots) = snapshots {
        let put = snapshots.put(&stream, snapshot(2, SECRET));
        trial.ok("putting a snapshot", put).await?;
    }
    trial.append(&stream, samples::tombstone(3)).await?;
    let load = || Load {
        stream: stream.clone(),
        from: None,
        snapshot: Some(SchemaVersion::FIRST),
        limit: 10,
    };
    let loaded = trial.loads(&[load()]).await?.remove(0);
    trial.equal(
        "the events loaded of a stream that was forgotten",
        loaded.events.len(),
        0,
    )?;
    trial.equal(
        "the snapshot loaded of a stream that was forgotten",
        loaded.snapshot,
        None,
    )?;
    let read = trial.read(&stream).await?;
    trial.equal("the events read before the erasure", read.len(), 3)?;
    trial.equal("their count", trial.count(&stream).await?, 3)?;
    let range = trial.store().read_range(&stream, version(2), 1);
    let range = trial.ok("reading a range", range).await?;
    trial.equal("the range read before the erasure", range.len(), 1)?;
    trial.fill(&stream, 4, 1).await?;
    let loaded = trial.loads(&[load()]).await?.remove(0);
    let versions: Vec<u64> = loaded.events.iter().map(|event| event.version.get()).collect();
    trial.equal("the events loaded of the next life", versions, vec![4])
}

/// After the erasure the secret is found nowhere, the next life is whole, and nothing is pending. Again succeeds.
pub async fn e3_erased_payloads_are_gone(trial: &Trial) -> Kept {
    let Some(erase) = trial.erase()? else {
        return Ok(());
    };
    for policy in POLICIES {
        let (stream, other) = (
            trial.stream(format!("{policy:?}")),
            trial.stream(format!("{policy:?} beside")),
        );
        let others = trial.fill(&other, 1, 2).await?;
        let events = two_lives(trial, &stream).await?;
        let (old, new) = events.split_at(3);
        if let Some(snapshots) = trial.snapshots()? {
            let put = snapshots.put(&stream, snapshot(2, SECRET));
            trial.ok("putting a snapshot", put).await?;
        }
        for _ in 0..2 {
            erase_through(trial, erase, &stream, 3, policy).await?;
            trial.holds(&stream, new).await?;
            trial.equal("the count after an erasure", trial.count(&stream).await?, 2)?;
            let range = trial.store().read_range(&stream, Version::FIRST, 10);
            let range = trial.ok("reading a range", range).await?;
            trial.equal("the range after an erasure", range.len(), 2)?;
        }
        for event in old {
            let found = trial.head(&stream, Some(event.event_id)).await?.found;
            let record = found.and_then(|found| found.record);
            trial.ensure(
                record.is_none(),
                format!("version {} is found with its record", event.version),
            )?;
        }
        let loaded = trial.load(&stream).await?;
        trial.equal("the events loaded after an erasure", loaded.events.len(), 2)?;
        if let Some(log) = trial.log()? {
            for event in everything_through(trial, log, &stream, 5).await? {
                let gone = event.record.is_none() || event.version > version(3);
                trial.ensure(gone, format!("version {} is in the log with its record", event.version))?;
                let whole = event.record.is_some() || event.version <= version(3);
                trial.ensure(
                    whole,
                    format!("version {} is in the log without its record", event.version),
                )?;
            }
        }
        snapshots_are_gone(trial, &stream).await?;
        trial.equal("pending after an erasure", pending(trial, erase).await?, Vec::new())?;
        trial.equal(
            "`erasing` after an erasure",
            trial.head(&stream, None).await?.erasing,
            false,
        )?;
        trial.holds(&other, &others).await?;
    }
    Ok(())
}

/// A stream as the log gives it, as soon as it has come to a version.
#[track_caller]
pub(super) fn everything_through(
    trial: &Trial,
    log: &dyn EventLog,
    stream: &StreamId,
    last: u64,
) -> impl Future<Output = Kept<Vec<LogEvent>>> {
    trial.asks(async move {
        loop {
            let events = everything(trial, log, of_stream(stream)).await?;
            if events.last().is_some_and(|event| event.version == version(last)) {
                return Ok(events);
            }
            trial.pause().await;
        }
    })
}

/// An erasure takes the store's own snapshots with it, and late ones are refused; the next life's are taken.
#[track_caller]
pub(super) fn snapshots_are_gone(trial: &Trial, stream: &StreamId) -> impl Future<Output = Kept> {
    trial.asserts(async move {
        let Some(snapshots) = trial.snapshots()? else {
            return Ok(());
        };
        let get = || snapshots.get(stream, SchemaVersion::FIRST);
        let found = trial.ok("getting a snapshot", get()).await?;
        trial.equal("the snapshot after an erasure", found, None)?;
        let put = snapshots.put(stream, snapshot(2, SECRET));
        trial.ok("putting a late snapshot", put).await?;
        let found = trial.ok("getting a snapshot", get()).await?;
        trial.equal("the snapshot that came after the erasure", found, None)?;
        let next = snapshot(5, "next life");
        trial
            .ok("putting a snapshot", snapshots.put(stream, next.clone()))
            .await?;
        let found = trial.ok("getting a snapshot", get()).await?;
        trial.equal("the snapshot of the next life", found, Some(next))
    })
}

/// Head and floor stay, so that no version is given twice; the next append follows on the head.
pub async fn e4_versions_are_not_given_again(trial: &Trial) -> Kept {
    let Some(erase) = trial.erase()? else {
        return Ok(());
    };
    for policy in POLICIES {
        let stream = trial.stream(format!("{policy:?}"));
        trial.fill(&stream, 1, 2).await?;
        trial.append(&stream, samples::tombstone(3)).await?;
        erase_through(trial, erase, &stream, 3, policy).await?;
        for check in 0..2 {
            let head = trial.head(&stream, None).await?;
            let found = (head.version, head.floor, head.living());
            trial.equal(
                "head, floor and life after an erasure",
                found,
                (Version::new(3), Version::new(3), None),
            )?;
            let loaded = trial.load(&stream).await?;
            let found = (loaded.head, loaded.floor, loaded.events.len());
            trial.equal(
                "the load after an erasure",
                found,
                (Version::new(3), Version::new(3), 0),
            )?;
            if check == 0 {
                for taken in 1..=3 {
                    let answer = trial.store().append(&stream, samples::event(taken)).await;
                    let fits = |error: &AppendError| matches!(error, AppendError::Conflict);
                    trial.refused(&format!("version {taken} of an erased life"), answer, fits)?;
                }
            }
        }
        let next = trial.fill(&stream, 4, 2).await?;
        trial.holds(&stream, &next).await?;
        // A second life ends as the first did.
        trial.append(&stream, samples::tombstone(6)).await?;
        trial.equal(
            "`erasing` of the second life",
            trial.head(&stream, None).await?.erasing,
            true,
        )?;
        erase_through(trial, erase, &stream, 6, policy).await?;
        let head = trial.head(&stream, None).await?;
        let found = (head.version, head.floor, head.erasing);
        trial.equal(
            "the head after the second erasure",
            found,
            (Version::new(6), Version::new(6), false),
        )?;
    }
    Ok(())
}

/// Where everything is erased the log goes on to give the tombstone: a reader that was behind learns of it there.
pub async fn e6_the_tombstone_stays_in_the_log(trial: &Trial) -> Kept {
    let (Some(erase), Some(log)) = (trial.erase()?, trial.log()?) else {
        return Ok(());
    };
    let stream = trial.stream("a");
    two_lives(trial, &stream).await?;
    erase_through(trial, erase, &stream, 3, ForgetPolicy::EraseAll).await?;
    let after = everything_through(trial, log, &stream, 5).await?;
    let after = after.iter().map(|event| {
        (
            event.version.get(),
            event.event_name.is_tombstone(),
            event.record.is_some(),
        )
    });
    trial.equal(
        "version, tombstone, record in the log after an erasure of all",
        after.collect::<Vec<_>>(),
        vec![(3, true, false), (4, false, true), (5, false, true)],
    )
}

/// Where rows are kept the log goes on to tell that there was something, and ids are found.
pub async fn e5_kept_rows_stay_in_the_log(trial: &Trial) -> Kept {
    let Some(erase) = trial.erase()? else {
        return Ok(());
    };
    let stream = trial.stream("a");
    let events = two_lives(trial, &stream).await?;
    let before = match trial.log()? {
        Some(log) => everything_through(trial, log, &stream, 5).await?,
        None => Vec::new(),
    };
    erase_through(trial, erase, &stream, 3, ForgetPolicy::KeepRows).await?;
    if let Some(log) = trial.log()? {
        let after = everything_through(trial, log, &stream, 5).await?;
        trial.equal("the events in the log after an erasure", after.len(), 5)?;
        for (mut before, after) in before.into_iter().zip(after) {
            if before.version <= version(3) {
                before.record = None;
            }
            trial.equal("an event of the log after an erasure", after, before)?;
        }
    }
    let unique = trial.unique_event_ids()?;
    for event in &events[..3] {
        let found = trial.head(&stream, Some(event.event_id)).await?.found;
        let found = found.map(|found| (found.version, found.record));
        trial.equal("an erased event that was looked up", found, Some((event.version, None)))?;
        let answer = trial.store().append(&stream, samples::with_id(6, event.event_id)).await;
        let fits = |error: &AppendError| matches!(error, AppendError::Duplicate { .. });
        if unique {
            trial.refused("the id of an erased event", answer, fits)?;
        }
    }
    Ok(())
}
