use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use asynx_core::{Position, Timestamp};
use asynx_observe::ProjectionFigures;
use event_listener::{Event, EventListener};
use futures::Stream;
use futures::stream;

/// What a projection, or a partition of one, is doing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum State {
    /// Another process runs it, or it is about to begin.
    Waiting,
    /// There are events that it has not handled.
    CatchingUp,
    /// It has handled everything, and follows.
    Live,
    /// It is built beside an older version, and has events ahead of it.
    Rebuilding,
    /// It is built beside an older version, has come as far as it may, and waits to be switched to.
    Ready,
    /// It is about to take the place of an older version, which has stopped for good. Where whoever began that is gone,
    /// it is finished by itself after the lease time.
    Switching,
    /// A newer version is in use, or about to be. Where nobody runs that one, this one goes on after three times the
    /// lease time.
    Replaced,
    /// Somebody paused it.
    Paused,
    /// It stopped at an error, and waits to be resumed.
    Failed,
    /// It was stopped, or its engine was.
    Stopped,
}

impl State {
    /// Which of two somebody should look at first.
    pub(crate) fn max_attention(self, other: Self) -> Self {
        let order = [
            Self::Failed,
            Self::Stopped,
            Self::Replaced,
            Self::Paused,
            Self::Switching,
            Self::Rebuilding,
            Self::CatchingUp,
            Self::Waiting,
            Self::Ready,
            Self::Live,
        ];
        let found = order.into_iter().find(|state| *state == self || *state == other);
        found.unwrap_or(self)
    }
}

/// How a projection, or a partition of one, is doing, as its own process sees it.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct Status {
    /// What it is doing.
    pub state: State,
    /// Up to where it has handled everything.
    pub position: Option<Position>,
    /// How many events it has handled since its process began to run it.
    pub handled: u64,
    /// How many events it has put aside since then.
    pub parked: u64,
    /// How many attempts have failed since then.
    pub failures: u64,
    /// What failed last.
    pub last_error: Option<String>,
    /// About how many events are ahead of it: counted when it begins and when it is further behind than it knew, up to
    /// 10 million; 0 once it is live. `None` until they are counted, which does not hold up the work.
    pub remaining: Option<u64>,
    /// When the newest event that it has handled happened.
    pub handled_until: Option<Timestamp>,
    /// How long ago that was while it is behind, as of when this was told; 0 while it is live. `None` before it has
    /// handled anything.
    pub lag: Option<Duration>,
    /// How many events it handles in a second, over the time in which it was busy; 0 before there is enough to tell.
    pub events_per_second: f64,
}

impl Status {
    /// About how long it takes until it is live, at the speed that it has.
    #[must_use]
    pub fn remaining_time(&self) -> Option<Duration> {
        let remaining = self.remaining?;
        if remaining == 0 {
            return Some(Duration::ZERO);
        }
        #[expect(clippy::cast_precision_loss, reason = "it is told to people")]
        let seconds = remaining as f64 / self.events_per_second;
        Duration::try_from_secs_f64(seconds).ok()
    }
}

impl Default for Status {
    fn default() -> Self {
        Self {
            state: State::Waiting,
            position: None,
            handled: 0,
            parked: 0,
            failures: 0,
            last_error: None,
            remaining: None,
            handled_until: None,
            lag: None,
            events_per_second: 0.0,
        }
    }
}

/// A status that can be looked at and waited for.
#[derive(Debug)]
pub(crate) struct Board {
    now: Mutex<Told>,
    changed: Event,
    pub(crate) figures: ProjectionFigures,
}

#[derive(Debug, Default)]
struct Told {
    status: Status,
    /// Counts the changes.
    number: u64,
}

impl Board {
    pub(crate) fn new(figures: ProjectionFigures) -> Self {
        Self {
            now: Mutex::default(),
            changed: Event::new(),
            figures,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Told> {
        self.now.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn get(&self) -> Status {
        self.lock().status.clone()
    }

    pub(crate) fn change(&self, change: impl FnOnce(&mut Status)) {
        let mut told = self.lock();
        let before = told.status.clone();
        change(&mut told.status);
        if told.status != before {
            told.number += 1;
            // Under the lock, so that the newest is told last.
            self.tell(&before, &told.status);
            drop(told);
            self.changed.notify(usize::MAX);
        }
    }

    fn tell(&self, before: &Status, now: &Status) {
        let more = |now: u64, before: u64| usize::try_from(now.saturating_sub(before)).unwrap_or(usize::MAX);
        self.figures.events.add(more(now.handled, before.handled));
        self.figures.failures.add(more(now.failures, before.failures));
        self.figures.parked.add(more(now.parked, before.parked));
        match now.state {
            // It may be running elsewhere, and is told of there.
            State::Waiting | State::Replaced | State::Stopped => self.figures.behind(Some(Duration::ZERO), Some(0)),
            _ => self.figures.behind(now.lag, now.remaining),
        }
    }

    /// What went wrong, for who looks.
    pub(crate) fn say(&self, error: &str) {
        self.change(|status| {
            status.failures += 1;
            status.last_error = Some(error.to_owned());
        });
    }

    fn newer_than(&self, number: Option<u64>) -> Result<(u64, Status), EventListener> {
        let newer = || {
            let told = self.lock();
            (Some(told.number) != number).then(|| (told.number, told.status.clone()))
        };
        if let Some(newer) = newer() {
            return Ok(newer);
        }
        let listener = self.changed.listen();
        // Asked again, since it may have changed before the listener was there.
        newer().ok_or(listener)
    }

    /// The status now, and again whenever it has changed; what changes faster than it is asked for is left out.
    pub(crate) fn watch(self: std::sync::Arc<Self>) -> impl Stream<Item = Status> + Send + 'static {
        stream::unfold((self, None), |(board, number)| async move {
            loop {
                match board.newer_than(number) {
                    Ok((number, status)) => return Some((status, (board, Some(number)))),
                    Err(listener) => listener.await,
                }
            }
        })
    }
}
