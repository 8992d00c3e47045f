//! S6, S13, S14: the calls that take many.

use asynx_core::store::{AppendError, AppendGroup, HeadQuery, Load, Snapshot};
use asynx_core::{SchemaVersion, StreamId, Version};
use bytes::Bytes;

use super::Trial;
use super::check::Kept;
use crate::{Random, samples};

/// A group stops at its first failure; what is stored of it is what its outcome says, from its first event on.
pub async fn s6_a_group_stops_at_its_first_failure(trial: &Trial) -> Kept {
    trial.batch(&[]).await?;
    let stream = trial.stream("a");
    let whole = samples::group(&stream, 1, 3);
    let outcome = trial.batch(std::slice::from_ref(&whole)).await?.remove(0);
    let all = outcome.stopped.is_none() && outcome.applied.len() == 3;
    trial.ensure(all, format!("a group at the head ended with {outcome:?}"))?;
    // The second event leaves a gap, so the store must stop before it, or refuse the group.
    let gap = AppendGroup {
        stream: stream.clone(),
        events: vec![samples::event(4), samples::event(6), samples::event(7)],
    };
    let outcome = trial.batch(std::slice::from_ref(&gap)).await?.remove(0);
    let stopped = outcome.stopped.is_some() && outcome.applied.len() <= 1;
    trial.ensure(stopped, format!("a group with a gap ended with {outcome:?}"))?;
    let stored: Vec<_> = [&whole.events[..], &gap.events[..outcome.applied.len()]].concat();
    trial.holds(&stream, &stored).await
}

/// In one batch some groups conflict and others do not; each is answered in its place, and only those that may are
/// stored.
pub async fn s6_groups_do_not_affect_each_other(trial: &Trial) -> Kept {
    let mut random = Random::seeded(6);
    let taken: Vec<bool> = (0..24).map(|_| random.chance(0.4)).collect();
    let mut groups = Vec::new();
    let mut before = Vec::new();
    for (n, &taken) in taken.iter().enumerate() {
        let stream = trial.stream(format!("{n}"));
        before.push(trial.fill(&stream, 1, 2).await?);
        groups.push(samples::group(&stream, if taken { 2 } else { 3 }, 1 + n as u64 % 3));
    }
    let outcomes = trial.batch(&groups).await?;
    for (((group, outcome), before), taken) in groups.iter().zip(outcomes).zip(before).zip(taken) {
        let first = group.events[0].version;
        match (taken, &outcome.stopped) {
            (true, Some(AppendError::Conflict)) if outcome.applied.is_empty() => {
                trial.holds(&group.stream, &before).await?;
            }
            (false, None) => {
                trial.equal(
                    "the applied events of a group",
                    outcome.applied.len(),
                    group.events.len(),
                )?;
                let stored: Vec<_> = [before, group.events.clone()].concat();
                trial.holds(&group.stream, &stored).await?;
            }
            _ => {
                let seen = format!("a group at version {first}, taken: {taken}, ended with {outcome:?}");
                return Err(trial.broken(seen));
            }
        }
    }
    Ok(())
}

/// Writers race with groups of three on the same streams; no group is ever stored in part without saying so.
pub async fn s6_groups_are_stored_as_prefixes(trial: &Trial) -> Kept {
    let writers = (0..6).map(|writer| {
        let trial = trial.clone();
        async move {
            let mut told = Vec::new();
            for round in 0..6_u64 {
                let streams = (0..3).map(|n| trial.stream(format!("{}", (writer + n) % 4)));
                // Each writer believes the head to be where a whole number of groups ends.
                let groups: Vec<_> = streams
                    .map(|stream| samples::group(&stream, 1 + round * 3, 3))
                    .collect();
                let outcomes = trial.batch(&groups).await?;
                told.extend(groups.into_iter().zip(outcomes));
            }
            Ok(told)
        }
    });
    let mut told = Vec::new();
    for writer in trial.race(writers).await? {
        told.extend(writer?);
    }
    for (group, outcome) in told {
        if matches!(outcome.stopped, Some(AppendError::Unknown(_))) {
            continue;
        }
        let records: Vec<_> = trial.read(&group.stream).await?;
        for (at, event) in group.events.iter().enumerate() {
            let stored = records.iter().any(|stored| stored.record == event.record);
            let (told, version) = (at < outcome.applied.len(), event.version);
            let seen = format!("version {version} of a group: told {told}, stored {stored}, {outcome:?}");
            trial.ensure(told == stored, seen)?;
        }
    }
    Ok(())
}

fn head_query(stream: &StreamId) -> HeadQuery {
    HeadQuery {
        stream: stream.clone(),
        event_id: None,
    }
}

/// Heads come in the order of their queries, unknown streams and repeated ones included, with what was looked up.
pub async fn s13_heads_are_answered_in_order(trial: &Trial) -> Kept {
    trial.heads(&[]).await?;
    let mut expected = Vec::new();
    for n in 0..12_u64 {
        let stream = trial.stream(format!("{n}"));
        let events = trial.fill(&stream, 1, n % 4).await?;
        expected.push((stream, events));
    }
    let foreign = expected[1].1[0].event_id;
    let repeated = expected.clone();
    expected.extend(repeated);
    Random::seeded(13).shuffle(&mut expected);
    let queries: Vec<_> = expected.iter().map(|(stream, _)| head_query(stream)).collect();
    for (head, (stream, events)) in trial.heads(&queries).await?.into_iter().zip(&expected) {
        let newest = events.last().map(|event| event.version);
        trial.equal(format!("the head of {stream}"), head.version, newest)?;
        trial.ensure(head.found.is_none(), "an event was found that nobody looked up")?;
        trial.equal(
            "floor and erasure of a stream without tombstone",
            (head.floor, head.erasing),
            (None, false),
        )?;
    }
    for (stream, events) in &expected {
        for event in events {
            let found = trial.head(stream, Some(event.event_id)).await?.found;
            let found =
                found.ok_or_else(|| trial.broken(format!("version {} was not found by its id", event.version)))?;
            trial.equal("the version of a found event", found.version, event.version)?;
            let same = found.record.as_ref() == Some(&event.record);
            trial.ensure(same, format!("version {} was found with other bytes", event.version))?;
        }
        if *stream != expected_owner(&expected, foreign) {
            let found = trial.head(stream, Some(foreign)).await?.found;
            trial.ensure(found.is_none(), "an event of another stream was found")?;
        }
        let found = trial.head(stream, Some(trial.id())).await?.found;
        trial.ensure(found.is_none(), "an id was found that was never appended")?;
    }
    Ok(())
}

fn expected_owner(expected: &[(StreamId, Vec<asynx_core::store::NewEvent>)], id: asynx_core::EventId) -> StreamId {
    let owner = expected
        .iter()
        .find(|(_, events)| events.iter().any(|event| event.event_id == id));
    owner
        .map(|(stream, _)| stream.clone())
        .expect("the id is one of theirs")
}

/// While a writer appends, a head is never older than the call, and a head that knows of a version finds its event.
pub async fn s13_look_ups_are_not_older_than_heads(trial: &Trial) -> Kept {
    const EVENTS: u64 = 30;
    let stream = trial.stream("a");
    let ids: Vec<_> = (0..EVENTS).map(|_| trial.id()).collect();
    let answered = std::sync::Arc::new(std::sync::atomic::AtomicU64::new(0));
    let racers = (0..4).map(|racer| {
        let (trial, stream, ids, answered) = (trial.clone(), stream.clone(), ids.clone(), answered.clone());
        async move {
            use std::sync::atomic::Ordering::SeqCst;
            if racer == 0 {
                for (at, id) in ids.iter().enumerate() {
                    trial.append(&stream, samples::with_id(at as u64 + 1, *id)).await?;
                    answered.store(at as u64 + 1, SeqCst);
                    trial.pause().await;
                }
                return Ok(());
            }
            loop {
                let before = answered.load(SeqCst);
                if before == EVENTS {
                    return Ok(());
                }
                let head = trial.head(&stream, Some(ids[before as usize])).await?;
                let version = head.version.map_or(0, Version::get);
                let seen = format!("a head of {version}, asked for after {before} was answered");
                trial.ensure(version >= before, seen)?;
                let found = version <= before || head.found.is_some();
                trial.ensure(
                    found,
                    format!("a head of {version}, but version {} was not found", before + 1),
                )?;
                trial.step_back().await;
            }
        }
    });
    trial.race(racers).await?.into_iter().collect()
}

/// Loads come in the order of their queries, cut at their limits.
pub async fn s14_loads_are_answered_in_order_and_cut(trial: &Trial) -> Kept {
    trial.loads(&[]).await?;
    let mut random = Random::seeded(14);
    let mut loads = Vec::new();
    let mut expected = Vec::new();
    for n in 0..8_u64 {
        let stream = trial.stream(format!("{n}"));
        let events = trial.fill(&stream, 1, n).await?;
        for (from, limit) in [
            (None, usize::MAX),
            (None, 3),
            (Some(2), 2),
            (Some(4), 0),
            (Some(n.max(1)), 1),
        ] {
            loads.push(Load {
                stream: stream.clone(),
                from: from.and_then(Version::new),
                snapshot: None,
                limit,
            });
            expected.push((events.clone(), from.unwrap_or(1), limit));
        }
    }
    let mut order: Vec<usize> = (0..loads.len()).collect();
    random.shuffle(&mut order);
    let shuffled: Vec<_> = order.iter().map(|&at| loads[at].clone()).collect();
    for (loaded, at) in trial.loads(&shuffled).await?.into_iter().zip(order) {
        let (events, from, limit) = &expected[at];
        let what = format!("of {} events from {from}, limit {limit}", events.len());
        let wanted: Vec<_> = events.iter().filter(|event| event.version.get() >= *from).collect();
        let versions: Vec<_> = loaded.events.iter().map(|event| event.version).collect();
        let cut: Vec<_> = wanted.iter().take(*limit).map(|event| event.version).collect();
        trial.equal(format!("loaded versions, {what}"), versions, cut)?;
        trial.equal(format!("`more`, {what}"), loaded.more, wanted.len() > *limit)?;
        trial.equal(
            format!("the head, {what}"),
            loaded.head,
            events.last().map(|event| event.version),
        )?;
        for (loaded, event) in loaded.events.iter().zip(wanted) {
            trial.ensure(loaded.record == event.record, "an event was loaded with other bytes")?;
        }
    }
    Ok(())
}

/// A load that wants a snapshot begins after it.
pub async fn s14_loads_begin_after_the_snapshot(trial: &Trial) -> Kept {
    let Some(snapshots) = trial.snapshots()? else {
        return Ok(());
    };
    let stream = trial.stream("a");
    trial.fill(&stream, 1, 5).await?;
    let snapshot = Snapshot {
        version: Version::FIRST.plus(2),
        schema_version: SchemaVersion::FIRST,
        document: Bytes::from_static(br#"{"folded":3}"#),
    };
    trial
        .ok("putting a snapshot", snapshots.put(&stream, snapshot.clone()))
        .await?;
    for (schema, given, first) in [
        (Some(SchemaVersion::FIRST), Some(snapshot), 4),
        (Some(SchemaVersion::FIRST.next()), None, 1),
        (None, None, 1),
    ] {
        let load = Load {
            stream: stream.clone(),
            from: None,
            snapshot: schema,
            limit: 10,
        };
        let loaded = trial.loads(&[load]).await?.remove(0);
        trial.equal(
            format!("the snapshot of a load that wants {schema:?}"),
            loaded.snapshot,
            given,
        )?;
        let versions: Vec<u64> = loaded.events.iter().map(|event| event.version.get()).collect();
        trial.equal(
            format!("the events of a load that wants {schema:?}"),
            versions,
            (first..=5).collect(),
        )?;
    }
    Ok(())
}

/// A load never gives what lies at or below the floor, wherever it is asked to begin.
pub async fn s14_loads_begin_above_the_floor(trial: &Trial) -> Kept {
    if trial.erase()?.is_none() {
        return Ok(());
    }
    let stream = trial.stream("a");
    trial.fill(&stream, 1, 2).await?;
    trial.append(&stream, samples::tombstone(3)).await?;
    trial.fill(&stream, 4, 2).await?;
    for from in [None, Some(1), Some(2), Some(3), Some(4), Some(5)] {
        let load = Load {
            stream: stream.clone(),
            from: from.and_then(Version::new),
            snapshot: None,
            limit: 10,
        };
        let loaded = trial.loads(&[load]).await?.remove(0);
        let versions: Vec<u64> = loaded.events.iter().map(|event| event.version.get()).collect();
        let expected: Vec<u64> = (from.unwrap_or(1).max(4)..=5).collect();
        trial.equal(
            format!("the events of a load from {from:?} over a floor at 3"),
            versions,
            expected,
        )?;
        trial.equal(
            "head and floor of a load",
            (loaded.head, loaded.floor),
            (Version::new(5), Version::new(3)),
        )?;
    }
    Ok(())
}
