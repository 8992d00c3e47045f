use std::sync::{Mutex, MutexGuard, PoisonError};

use asynx_core::Position;
use asynx_core::store::{LogEvent, LogFilter, LogPage};
use asynx_testkit::Random;
use tokio::sync::watch;

use super::compare::{Verdict, compare};
use super::given::{Given, Names};
use super::plan::{CATEGORIES, NAMES};

/// What the uninterrupted reader of a process was given, and where all its readers have been.
pub(super) struct Seen {
    state: Mutex<State>,
    /// How far the uninterrupted reader has come.
    next: watch::Sender<Option<Position>>,
}

#[derive(Default)]
struct State {
    names: Names,
    events: Vec<Given>,
    places: Vec<Option<Position>>,
}

/// So many places of pages are kept to go on from.
const PLACES: usize = 100_000;
/// What counts as a short while ago, in events.
const LATELY: u64 = 3_000;

impl Seen {
    pub(super) fn new() -> Self {
        Self {
            state: Mutex::default(),
            next: watch::Sender::new(None),
        }
    }

    /// Takes what the uninterrupted reader was given.
    pub(super) fn follow(&self, page: LogPage) {
        {
            let mut state = self.state();
            let State { names, events, places } = &mut *state;
            events.extend(page.events.iter().map(|event| numbered(names, event)));
            places.truncate(PLACES - 1);
            places.push(page.next);
        }
        self.next.send_replace(page.next);
    }

    /// Waits until the uninterrupted reader has come as far.
    pub(super) async fn reach(&self, position: Option<Position>) {
        // Never an error: the sender is ours.
        let _ = self.next.subscribe().wait_for(|next| *next >= position).await;
    }

    /// A place that some reader was given, more often a recent one.
    pub(super) fn place(&self, random: &mut Random) -> Option<Position> {
        let state = self.state();
        let all = state.events.len() as u64;
        let from_end = match random.below(4) {
            0 => random.below(all + 1),
            _ => random.below(all.min(LATELY) + 1),
        };
        if random.chance(0.5) {
            let behind = state.places.len() as u64 * from_end / (all + 1);
            return state.places.iter().rev().nth(behind as usize).copied().flatten();
        }
        let at = (all - from_end) as usize;
        at.checked_sub(1).map(|at| state.events[at].position)
    }

    /// What a reader may want.
    pub(super) fn filter(&self, random: &mut Random) -> LogFilter {
        let mut filter = LogFilter::default();
        if random.chance(0.4) {
            return filter;
        }
        let mut some = |all: &[&'static str]| -> Vec<&'static str> {
            let some = all.iter().filter(|_| random.chance(0.3));
            some.copied().collect()
        };
        for category in some(&CATEGORIES) {
            filter.categories.extend(asynx_core::Category::parse(category));
        }
        for name in some(&NAMES) {
            filter.event_names.extend(asynx_core::EventName::parse(name));
        }
        if random.chance(0.3) {
            let state = self.state();
            let streams = state.names.streams();
            let count = random.below(40).min(streams.len() as u64);
            let some = (0..count).map(|_| streams[random.below(streams.len() as u64) as usize].clone());
            filter.streams = some.collect();
        }
        filter
    }

    /// Keeps a place to go on from.
    pub(super) fn been_at(&self, next: Option<Position>) {
        let mut state = self.state();
        if state.places.len() < PLACES {
            state.places.push(next);
        }
    }

    /// Holds what another reader was given between two places against what the uninterrupted one was given there.
    pub(super) fn judge(
        &self,
        after: Option<Position>,
        through: Option<Position>,
        filter: &LogFilter,
        given: &[LogEvent],
    ) -> Verdict {
        let mut state = self.state();
        let State { names, events, .. } = &mut *state;
        let given: Vec<Given> = given.iter().map(|event| numbered(names, event)).collect();
        let from = events.partition_point(|event| Some(event.position) <= after);
        let to = events.partition_point(|event| Some(event.position) <= through);
        let wanted = |event: &Given| filter.wants(names.stream(event), names.name(event));
        let wanted: Vec<Given> = events[from..to.max(from)]
            .iter()
            .filter(|one| wanted(one))
            .copied()
            .collect();
        compare(names, &wanted, &given)
    }

    /// All that the uninterrupted reader was given, in words.
    pub(super) fn tell(&self, mut each: impl FnMut(String)) {
        let state = self.state();
        for event in &state.events {
            each(state.names.tell(event));
        }
    }

    pub(super) fn count(&self) -> usize {
        self.state().events.len()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn numbered(names: &mut Names, event: &LogEvent) -> Given {
    let (stream, name) = names.number(&event.stream, &event.event_name);
    Given {
        position: event.position,
        stream,
        version: event.version,
        event_id: event.event_id,
        name,
    }
}
