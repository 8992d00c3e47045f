//! L2, L4: following the log while it grows.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use asynx_core::store::{EventLog, ForgetPolicy, LogEvent, LogQuery};
use asynx_core::{Position, Version};

use super::Trial;
use super::check::Kept;
use super::log::{at_least, own, page, rest};
use crate::samples;

/// What a reader was given, and every position it could have gone on from.
#[derive(Default)]
pub(super) struct Followed {
    pub(super) events: Vec<LogEvent>,
    /// Each `next`, with the number of events given up to it.
    nexts: Vec<(Option<Position>, usize)>,
    next: Option<Position>,
}

impl Followed {
    /// Reads one page. Whether it was the last for now.
    #[track_caller]
    pub(super) fn go_on(
        &mut self,
        trial: &Trial,
        log: &dyn EventLog,
        max_events: usize,
    ) -> impl Future<Output = Kept<bool>> {
        trial.asks(async move {
            let page = page(trial, log, self.next, own(trial), max_events).await?;
            self.events.extend(page.events);
            self.next = page.next;
            self.nexts.push((self.next, self.events.len()));
            Ok(page.at_end)
        })
    }

    /// Reads until it has passed a position.
    #[track_caller]
    pub(super) fn pass(
        &mut self,
        trial: &Trial,
        log: &dyn EventLog,
        last: Option<Position>,
    ) -> impl Future<Output = Kept> {
        trial.asks(async move {
            while self.next < last {
                if self.go_on(trial, log, 100).await? {
                    trial.pause().await;
                }
            }
            Ok(())
        })
    }

    /// What was given must be the log as it is now, and so must be what a reader is given that goes on from any
    /// position on the way.
    #[track_caller]
    pub(super) fn missed_nothing(
        &self,
        trial: &Trial,
        log: &dyn EventLog,
        all: &[LogEvent],
    ) -> impl Future<Output = Kept> {
        trial.asserts(async move {
            let describe = |events: &[LogEvent]| {
                let events = events
                    .iter()
                    .map(|event| format!("{}@{}", event.stream.aggregate_id, event.version));
                events.collect::<Vec<_>>().join(" ")
            };
            let key = |event: &LogEvent| (event.position, event.event_id);
            let same = self.events.iter().map(key).eq(all.iter().map(key));
            let seen = format!(
                "followed: [{}]; in the log: [{}]",
                describe(&self.events),
                describe(all)
            );
            trial.ensure(same, seen)?;
            let positions = all.iter().enumerate().map(|(at, event)| (Some(event.position), at + 1));
            let restarts: Vec<_> = positions.chain(self.nexts.iter().copied()).collect();
            // All of a short history, a sample of a long one.
            let step = 1 + restarts.len() / 40;
            for (after, before) in restarts.into_iter().step_by(step) {
                let given = rest(trial, log, after, own(trial), 50).await?;
                let same = given.iter().map(key).eq(all[before..].iter().map(key));
                let (given, expected) = (describe(&given), describe(&all[before..]));
                trial.ensure(same, format!("from {after:?}: [{given}], expected [{expected}]"))?;
            }
            Ok(())
        })
    }
}

/// Readers follow while writers append to new and to shared streams, spread over handles; then everything is compared.
#[track_caller]
pub(super) fn follow_writers(trials: &[Trial], forget: Option<ForgetPolicy>) -> impl Future<Output = Kept> {
    trials[0].asserts(async move {
        const WRITERS: usize = 3;
        let trial = &trials[0];
        let at_work = Arc::new(AtomicUsize::new(WRITERS));
        let stored = Arc::new(AtomicUsize::new(0));
        let racers = (0..WRITERS + 2).map(|racer| {
            let trial = trials[racer % trials.len()].clone();
            let (at_work, stored) = (Arc::clone(&at_work), Arc::clone(&stored));
            async move {
                if racer < WRITERS {
                    let written = write(&trial, racer, forget).await;
                    stored.fetch_add(*written.as_ref().unwrap_or(&0), Ordering::SeqCst);
                    at_work.fetch_sub(1, Ordering::SeqCst);
                    return written.map(|_| None);
                }
                let Some(log) = trial.log()? else { return Ok(None) };
                let mut followed = Followed::default();
                let size = if racer == WRITERS { 1 } else { 16 };
                while at_work.load(Ordering::SeqCst) > 0 {
                    if followed.go_on(&trial, log, size).await? {
                        trial.pause().await;
                    }
                }
                Ok(Some(followed))
            }
        });
        let followed: Vec<_> = trial.race(racers).await?.into_iter().collect::<Kept<_>>()?;
        let Some(log) = trial.log()? else { return Ok(()) };
        let all = at_least(trial, log, own(trial), stored.load(Ordering::SeqCst)).await?;
        trial.equal(
            "the number of events in the log",
            all.len(),
            stored.load(Ordering::SeqCst),
        )?;
        let last = all.last().map(|event| event.position);
        for (racer, followed) in followed.into_iter().enumerate() {
            let trial = &trials[racer % trials.len()];
            if let (Some(log), Some(mut followed)) = (trial.log()?, followed) {
                followed.pass(trial, log, last).await?;
                followed.missed_nothing(trial, log, &all).await?;
            }
        }
        Ok(())
    })
}

#[track_caller]
fn write(trial: &Trial, writer: usize, forget: Option<ForgetPolicy>) -> impl Future<Output = Kept<usize>> {
    trial.asks(async move {
        let mut stored = 0;
        for round in 0..10 {
            trial.step_back().await;
            let fresh = trial.stream(format!("{writer}-{round}"));
            let shared = trial.stream("shared");
            let next = Version::after(trial.head(&shared, None).await?.version).get();
            let groups = [samples::group(&fresh, 1, 2), samples::group(&shared, next, 1)];
            let outcomes = trial.batch(&groups).await?;
            stored += outcomes.iter().map(|outcome| outcome.applied.len()).sum::<usize>();
            if let (Some(policy), Some(erase)) = (forget, trial.erase()?) {
                trial.append(&fresh, samples::tombstone(3)).await?;
                stored += 1;
                trial.pause().await;
                let erased = erase.erase_through(&fresh, Version::FIRST.plus(2), policy);
                trial.ok("erasing", erased).await?;
            }
        }
        Ok(stored)
    })
}

/// Several readers beside several writers, on new streams and on one that they fight for, are given everything once.
pub async fn l2_followers_miss_nothing(trial: &Trial) -> Kept {
    if trial.log()?.is_none() {
        return Ok(());
    }
    follow_writers(std::slice::from_ref(trial), None).await
}

/// The same while streams are forgotten and their rows kept.
pub async fn l2_followers_miss_nothing_beside_forgets(trial: &Trial) -> Kept {
    if trial.log()?.is_none() || trial.erase()?.is_none() {
        return Ok(());
    }
    follow_writers(std::slice::from_ref(trial), Some(ForgetPolicy::KeepRows)).await
}

/// A position that no log gave yet is refused for good: the checkpoint is another store's.
pub async fn l2_a_position_beyond_the_end_is_refused(trial: &Trial) -> Kept {
    let Some(log) = trial.log()? else {
        return Ok(());
    };
    trial.append(&trial.stream("a"), samples::event(1)).await?;
    let query = LogQuery {
        after: Some(Position::new([i64::MAX as u64; 3])),
        filter: own(trial),
        max_events: 10,
        max_bytes: usize::MAX,
    };
    match log.read(&query).await {
        Err(error) if !error.is_transient() => Ok(()),
        other => Err(trial.broken(format!("reading beyond the end was answered by {other:?}"))),
    }
}

/// Each append is given soon after its answer, also to a reader that waits for it.
pub async fn l4_answered_appends_are_given(trial: &Trial) -> Kept {
    let Some(log) = trial.log()? else {
        return Ok(());
    };
    let stream = trial.stream("a");
    let mut followed = Followed::default();
    for version in 1..=10 {
        let position = trial.append(&stream, samples::event(version)).await?;
        followed.pass(trial, log, position).await?;
        trial.equal(
            "the events given after an answer",
            followed.events.len() as u64,
            version,
        )?;
        let end = trial.ok("asking for the end", log.end()).await?;
        trial.ensure(
            end >= position,
            format!("the end is {end:?} after {position:?} was given"),
        )?;
    }
    Ok(())
}
