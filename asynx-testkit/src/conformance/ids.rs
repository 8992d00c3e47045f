//! S5: unique event ids.

use asynx_core::store::{AppendError, AppendGroup, ForgetPolicy};
use asynx_core::{EventId, Version};

use super::Trial;
use super::check::Kept;
use crate::samples;

#[track_caller]
fn is_duplicate_of(trial: &Trial, what: &str, reason: Option<AppendError>, id: EventId) -> Kept {
    let looked_at = || match reason {
        Some(AppendError::Duplicate { event_id }) => trial.equal("the id of a duplicate", event_id, id),
        Some(error) => Err(trial.broken(format!("{what} was answered by {error:?}"))),
        None => Err(trial.broken(format!("{what} succeeded"))),
    };
    trial.asserted(looked_at())
}

/// An id that the stream has is refused, at a free version and at a taken one.
pub async fn s5_taken_ids_are_refused(trial: &Trial) -> Kept {
    taken_ids_are_refused(trial, trial).await
}

#[track_caller]
pub(super) fn taken_ids_are_refused(trial: &Trial, taken_by: &Trial) -> impl Future<Output = Kept> {
    trial.asserts(async move {
        if !trial.unique_event_ids()? {
            return Ok(());
        }
        let stream = trial.stream("a");
        let events = taken_by.fill(&stream, 1, 3).await?;
        let id = events[1].event_id;
        for version in [4, 3, 2, 1] {
            let answer = trial.store().append(&stream, samples::with_id(version, id)).await;
            let what = format!("a taken id at version {version}");
            is_duplicate_of(trial, &what, answer.err(), id)?;
        }
        let again = trial.store().append(&stream, events[1].clone()).await;
        is_duplicate_of(trial, "the same event again", again.err(), id)?;
        trial.holds(&stream, &events).await
    })
}

/// Where one event of a group has a taken id, none of the group is stored; other groups are.
pub async fn s5_of_a_group_with_a_taken_id_nothing_is_stored(trial: &Trial) -> Kept {
    if !trial.unique_event_ids()? {
        return Ok(());
    }
    let (stream, other) = (trial.stream("a"), trial.stream("b"));
    let events = trial.fill(&stream, 1, 2).await?;
    let (first, second) = (events[0].event_id, events[1].event_id);
    let group = AppendGroup {
        stream: stream.clone(),
        events: vec![
            samples::event(3),
            samples::with_id(4, second),
            samples::with_id(5, first),
        ],
    };
    let mut outcomes = trial.batch(&[group, samples::group(&other, 1, 2)]).await?;
    let free = outcomes.remove(1);
    trial.ensure(
        free.stopped.is_none(),
        format!("another stream's group ended with {free:?}"),
    )?;
    let refused = outcomes.remove(0);
    trial.equal("the applied events before a taken id", refused.applied.len(), 0)?;
    is_duplicate_of(trial, "a group with a taken id", refused.stopped, second)?;
    trial.holds(&stream, &events).await?;
    trial.equal(
        "the head after a refused group",
        trial.head(&stream, None).await?.version,
        Version::new(2),
    )
}

/// The same event sent many times at the same moment is stored once.
pub async fn s5_one_of_equal_ids_wins_a_race(trial: &Trial) -> Kept {
    one_equal_id_wins(std::slice::from_ref(trial)).await
}

/// Races of equal ids, spread over handles.
#[track_caller]
pub(super) fn one_equal_id_wins(trials: &[Trial]) -> impl Future<Output = Kept> {
    trials[0].asserts(async move {
        let trial = &trials[0];
        if !trial.unique_event_ids()? {
            return Ok(());
        }
        for round in 0..6 {
            let stream = trial.stream(format!("{round}"));
            let id = trial.id();
            let racers = (0..6).map(|racer| {
                let (trial, stream) = (trials[racer % trials.len()].clone(), stream.clone());
                async move {
                    let mut next = 1;
                    loop {
                        // Who lost the race for a version tries the next, as a retry after a reload would.
                        match trial.store().append(&stream, samples::with_id(next, id)).await {
                            Err(AppendError::Conflict) if next < 16 => next += 1,
                            answer => return answer.is_ok(),
                        }
                    }
                }
            });
            let winners = trial.race(racers).await?.into_iter().filter(|won| *won).count();
            trial.ensure(winners <= 1, format!("{winners} appends of one id succeeded"))?;
            trial.equal("the stored events of one id", trial.count(&stream).await?, 1)?;
        }
        Ok(())
    })
}

/// Ids whose events were erased are refused as long as their rows are there.
pub async fn s5_erased_ids_are_refused(trial: &Trial) -> Kept {
    let (true, Some(erase)) = (trial.unique_event_ids()?, trial.erase()?) else {
        return Ok(());
    };
    let stream = trial.stream("a");
    let events = trial.fill(&stream, 1, 2).await?;
    trial.append(&stream, samples::tombstone(3)).await?;
    let through = Version::FIRST.plus(2);
    let erased = erase.erase_through(&stream, through, ForgetPolicy::KeepRows);
    trial.ok("erasing", erased).await?;
    let id = events[0].event_id;
    let answer = trial.store().append(&stream, samples::with_id(4, id)).await;
    is_duplicate_of(trial, "the id of an erased event", answer.err(), id)
}
