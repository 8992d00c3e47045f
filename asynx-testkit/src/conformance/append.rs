//! S1-S4: appending.

use std::collections::BTreeMap;

use asynx_core::store::{AppendError, AppendGroup, NewEvent};
use asynx_core::{StreamId, Version};

use super::Trial;
use super::check::Kept;
use super::law::with_causes;
use crate::samples;

const fn is_conflict(error: &AppendError) -> bool {
    matches!(error, AppendError::Conflict)
}

/// Appends at versions that are taken, alone and in groups, conflict and store nothing.
pub async fn s1_taken_versions_conflict(trial: &Trial) -> Kept {
    taken_versions_conflict(trial, trial).await
}

#[track_caller]
pub(super) fn taken_versions_conflict(trial: &Trial, taken_by: &Trial) -> impl Future<Output = Kept> {
    trial.asserts(async move {
        let stream = trial.stream("a");
        let events = taken_by.fill(&stream, 1, 3).await?;
        for version in 1..=3 {
            let answer = trial.store().append(&stream, samples::event(version)).await;
            trial.refused("an append at a taken version", answer, is_conflict)?;
            let group = samples::group(&stream, version, 4);
            let outcome = trial.batch(&[group]).await?.remove(0);
            let applied = outcome.applied.len();
            trial.equal(
                "the applied events of a group that begins at a taken version",
                applied,
                0,
            )?;
            let stopped = outcome.stopped.map_or(Ok(()), Err);
            trial.refused("a group that begins at a taken version", stopped, is_conflict)?;
        }
        trial.holds(&stream, &events).await
    })
}

/// Of many appends of the same version at the same moment one succeeds, and that one is stored.
pub async fn s1_one_append_wins_a_race(trial: &Trial) -> Kept {
    for round in 0..8 {
        let stream = trial.stream(format!("{round}"));
        trial.fill(&stream, 1, 1).await?;
        one_append_wins(std::slice::from_ref(trial), &stream, 2).await?;
    }
    Ok(())
}

/// Eight appends race, spread over handles.
#[track_caller]
pub(super) fn one_append_wins(trials: &[Trial], stream: &StreamId, version: u64) -> impl Future<Output = Kept> {
    trials[0].asserts(async move {
        let trial = &trials[0];
        let racers = (0..8).map(|racer| {
            let (trial, stream) = (trials[racer % trials.len()].clone(), stream.clone());
            let event = samples::event(version);
            async move {
                let answer = trial.store().append(&stream, event.clone()).await;
                (event, answer)
            }
        });
        let (mut winners, mut unknown) = (Vec::new(), 0);
        for (event, answer) in trial.race(racers).await? {
            match answer {
                Ok(_) => winners.push(event),
                Err(AppendError::Unknown(_)) => unknown += 1,
                Err(AppendError::Conflict | AppendError::NotApplied(_)) => {}
                Err(error) => return Err(trial.broken(format!("a lost race was answered by {error:?}"))),
            }
        }
        let won = winners.len();
        trial.ensure(won <= 1, format!("{won} appends of one version succeeded"))?;
        let Some(winner) = winners.first() else {
            return trial.ensure(unknown > 0, "of eight appends at the head none succeeded");
        };
        for trial in trials {
            let stored = trial.read(stream).await?;
            trial.equal("the number of stored events", stored.len() as u64, version)?;
            let same = stored.last().is_some_and(|stored| stored.record == winner.record);
            trial.ensure(same, "another event is stored than the one that won")?;
        }
        Ok(())
    })
}

/// As soon as an append is answered, every read knows of it, also those of other tasks.
pub async fn s2_an_answered_append_is_visible(trial: &Trial) -> Kept {
    let stream = trial.stream("a");
    for version in 1..=10 {
        trial.append(&stream, samples::event(version)).await?;
        is_visible(trial, &stream, version).await?;
    }
    let outcome = trial.batch(&[samples::group(&stream, 11, 5)]).await?.remove(0);
    trial.ensure(
        outcome.stopped.is_none(),
        format!("a group at the head stopped: {outcome:?}"),
    )?;
    let readers = (0..4).map(|_| {
        let (trial, stream) = (trial.clone(), stream.clone());
        async move { is_visible(&trial, &stream, 15).await }
    });
    trial.race(readers).await?.into_iter().collect()
}

#[track_caller]
pub(super) fn is_visible(trial: &Trial, stream: &StreamId, version: u64) -> impl Future<Output = Kept> {
    trial.asserts(async move {
        trial.equal("`count` after an append", trial.count(stream).await?, version)?;
        let read = trial.read(stream).await?;
        trial.equal("events of `read_from` after an append", read.len() as u64, version)?;
        let range = trial.store().read_range(stream, Version::FIRST, 1000);
        let range = trial.ok("reading a range", range).await?;
        trial.equal("events of `read_range` after an append", range.len() as u64, version)?;
        let head = trial.head(stream, None).await?;
        trial.equal("the head after an append", head.version, Version::new(version))?;
        let loaded = trial.load(stream).await?;
        trial.equal("the loaded head after an append", loaded.head, Version::new(version))?;
        trial.equal("the loaded events after an append", loaded.events.len() as u64, version)
    })
}

/// Many streams that grow at the same time never conflict with each other.
pub async fn s3_streams_do_not_hinder_each_other(trial: &Trial) -> Kept {
    let writers = (0..8).map(|writer| {
        let (trial, stream) = (trial.clone(), trial.stream(format!("{writer}")));
        async move { trial.fill(&stream, 1, 12).await.map(drop) }
    });
    trial.race(writers).await?.into_iter().collect()
}

/// Groups of many streams in one batch all succeed, and batches of different streams beside each other do.
pub async fn s3_groups_of_many_streams_all_succeed(trial: &Trial) -> Kept {
    let writers = (0..4).map(|writer| {
        let trial = trial.clone();
        async move {
            for round in 0..4 {
                let streams = (0..16).map(|n| trial.stream(format!("{writer}-{n}")));
                let groups: Vec<_> = streams
                    .map(|stream| samples::group(&stream, 1 + round * 2, 2))
                    .collect();
                for outcome in trial.batch(&groups).await? {
                    let whole = outcome.stopped.is_none() && outcome.applied.len() == 2;
                    trial.ensure(whole, format!("a group at its head ended with {outcome:?}"))?;
                }
            }
            Ok(())
        }
    });
    trial.race(writers).await?.into_iter().collect()
}

/// Writers fight over a few streams; in the end just that is stored which was answered as stored.
pub async fn s4_answers_tell_what_is_stored(trial: &Trial) -> Kept {
    const STREAMS: u64 = 3;
    let writers = (0..6).map(|writer| {
        let trial = trial.clone();
        async move {
            let mut told = Vec::new();
            for round in 0..12 {
                trial.step_back().await;
                let stream = trial.stream(format!("{}", (writer + round) % STREAMS));
                let next = Version::after(trial.head(&stream, None).await?.version).get();
                if round % 2 == 0 {
                    let event = samples::event(next);
                    let answer = trial.store().append(&stream, event.clone()).await;
                    told.push((stream, event, answer.err()));
                } else {
                    let group = samples::group(&stream, next, 2);
                    let outcome = trial.batch(std::slice::from_ref(&group)).await?.remove(0);
                    told.extend(told_of(&group, outcome.applied.len(), outcome.stopped));
                }
            }
            Ok(told)
        }
    });
    let mut told = Vec::new();
    for writer in trial.race(writers).await? {
        told.extend(writer?);
    }
    // What was "not applied" must not be applied later either.
    trial.grace().await;
    let mut stored: BTreeMap<StreamId, Vec<_>> = BTreeMap::new();
    for n in 0..STREAMS {
        let stream = trial.stream(format!("{n}"));
        let records = trial.read(&stream).await?.into_iter().map(|event| event.record);
        stored.insert(stream, records.collect());
    }
    for (stream, event, reason) in told {
        let is_stored = stored[&stream].contains(&event.record);
        let told = match reason {
            None => is_stored,
            Some(AppendError::Unknown(_)) => true,
            Some(_) => !is_stored,
        };
        let answer = reason.map_or_else(|| "success".to_owned(), |reason| with_causes(&reason));
        let seen = format!(
            "version {} was answered by {answer:?}; stored: {is_stored}",
            event.version
        );
        trial.ensure(told, seen)?;
    }
    Ok(())
}

type Told = (StreamId, NewEvent, Option<AppendError>);

/// What the outcome of a group says of each of its events. Those after the first failure were not tried.
fn told_of(group: &AppendGroup, applied: usize, stopped: Option<AppendError>) -> Vec<Told> {
    let told = group.events.iter().enumerate().map(|(at, event)| {
        let reason = match at < applied {
            true => None,
            false => stopped.clone().or(Some(AppendError::Conflict)),
        };
        (group.stream.clone(), event.clone(), reason)
    });
    told.collect()
}
