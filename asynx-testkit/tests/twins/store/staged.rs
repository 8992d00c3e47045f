//! A store whose appends can be under way for a while, as those of a database are: the memory store, with a log that
//! is ordered by transaction and read below the oldest open one.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use asynx_core::store::{
    AppendGroup, EventLog, GroupOutcome, Head, HeadQuery, Load, Loaded, LogEvent, LogPage, LogQuery, SoleWriter,
    StoredEvent, WriterLease,
};
use asynx_core::{Category, Position, Store, StoreError, StreamId, Version};
use asynx_store_memory::MemoryStore;
use asynx_testkit::conformance::{HeldAppend, LeaseLoser, SlowTransactions};
use futures::FutureExt;
use futures::future::BoxFuture;

use super::mutation::Mutation;

#[derive(Clone)]
pub(super) struct Staged {
    pub(super) memory: MemoryStore,
    pub(super) mutation: Mutation,
    /// Which of the handles to the same data this is.
    pub(super) handle: usize,
    state: Arc<Mutex<State>>,
}

/// A transaction, and a number within the whole log.
type Place = (u64, u64);

#[derive(Default)]
struct State {
    last: u64,
    open: BTreeSet<u64>,
    /// Where the memory store's positions are in this log.
    places: BTreeMap<u64, Place>,
    /// Events that never were.
    ghosts: Vec<LogEvent>,
    leases: BTreeMap<(Category, usize), Arc<AtomicBool>>,
    /// The categories whose lease was dropped once.
    dropped: BTreeSet<Category>,
}

const fn position((transaction, number): Place) -> Position {
    Position::new([0, transaction, number])
}

impl State {
    fn begin(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    fn place(&self, memory: Option<Position>) -> Option<Position> {
        self.places.get(&memory?.parts()[2]).copied().map(position)
    }

    fn stored(&self, mut events: Vec<StoredEvent>) -> Vec<StoredEvent> {
        for event in &mut events {
            event.position = self.place(event.position);
        }
        events
    }

    /// Shows events in the log that are not stored.
    fn haunt(&mut self, transaction: u64, group: &AppendGroup) {
        for event in group.events.clone() {
            let number = (1 << 40) + self.ghosts.len() as u64;
            self.places.insert(number, (transaction, number));
            self.ghosts.push(LogEvent {
                position: position((transaction, number)),
                stream: group.stream.clone(),
                version: event.version,
                event_id: event.event_id,
                event_name: event.event_name,
                occurred_at: event.occurred_at,
                record: Some(event.record),
            });
        }
    }

    /// Below which transaction everything has ended.
    fn watermark(&self, mutation: Mutation) -> u64 {
        match (mutation, self.open.first()) {
            (Mutation::LogReadsBeyondOpenAppends | Mutation::LogGivesOpenAppends, _) | (_, None) => u64::MAX,
            (Mutation::LogStopsWhileAnythingIsOpen, Some(_)) => 0,
            (_, Some(oldest)) => *oldest,
        }
    }
}

/// What the memory store answers: it never waits.
pub(super) fn now<T>(call: impl Future<Output = T>) -> T {
    call.now_or_never().expect("the memory store never waits")
}

impl Staged {
    pub(super) fn new(mutation: Mutation) -> Self {
        Self {
            memory: MemoryStore::new(),
            mutation,
            handle: 0,
            state: Arc::default(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn append_batch(&self, groups: &[AppendGroup]) -> Vec<GroupOutcome> {
        let mut state = self.lock();
        let transaction = state.begin();
        self.append_in(&mut state, transaction, groups)
    }

    fn append_in(&self, state: &mut State, transaction: u64, groups: &[AppendGroup]) -> Vec<GroupOutcome> {
        let mut outcomes = now(self.memory.append_batch(groups));
        for outcome in &mut outcomes {
            let numbers: Vec<u64> = outcome.applied.iter().flatten().map(|at| at.parts()[2]).collect();
            let mut places = numbers.clone();
            if self.mutation == Mutation::LogTurnsGroupsRound {
                places.reverse();
            }
            for (number, place) in numbers.into_iter().zip(places) {
                state.places.insert(number, (transaction, place));
            }
            for applied in &mut outcome.applied {
                *applied = state.place(*applied);
            }
        }
        outcomes
    }

    pub(super) fn read_range(&self, stream: &StreamId, from: Version, count: usize) -> Vec<StoredEvent> {
        let events = now(self.memory.read_range(stream, from, count)).expect("memory can be read");
        self.lock().stored(events)
    }

    pub(super) fn heads(&self, queries: &[HeadQuery]) -> Vec<Head> {
        let mut heads = now(self.memory.heads(queries)).expect("memory can be read");
        let state = self.lock();
        for found in heads.iter_mut().filter_map(|head| head.found.as_mut()) {
            found.position = state.place(found.position);
        }
        heads
    }

    pub(super) fn load(&self, loads: &[Load]) -> Vec<Loaded> {
        let mut all = now(self.memory.load(loads)).expect("memory can be read");
        let state = self.lock();
        for loaded in &mut all {
            loaded.events = state.stored(std::mem::take(&mut loaded.events));
        }
        all
    }
}

#[async_trait]
impl EventLog for Staged {
    async fn read(&self, query: &LogQuery) -> Result<LogPage, StoreError> {
        let state = self.lock();
        let farthest = state.places.values().max().copied().map(position);
        if query.after > farthest && self.mutation != Mutation::LogGoesOnBeyondItsEnd {
            return Err(StoreError::permanent("beyond the end of the log"));
        }
        let whole = LogQuery {
            after: None,
            max_events: usize::MAX,
            max_bytes: usize::MAX,
            ..query.clone()
        };
        let memory = self.memory.log().expect("memory has a log");
        let mut events = now(memory.read(&whole))?.events;
        for event in &mut events {
            event.position = state.place(Some(event.position)).expect("every append has a place");
        }
        let ghosts = state.ghosts.iter().cloned();
        events.extend(ghosts.filter(|ghost| query.filter.wants(&ghost.stream, &ghost.event_name)));
        events.sort_by_key(|event| event.position);
        let watermark = state.watermark(self.mutation);
        events.retain(|event| event.position.parts()[1] < watermark && Some(event.position) > query.after);
        let mut page = LogPage::default();
        let mut bytes = 0;
        for event in events {
            bytes += event.record.as_ref().map_or(0, |record| record.len());
            let full = page.events.len() >= query.max_events || bytes > query.max_bytes;
            if full && !page.events.is_empty() {
                return Ok(page);
            }
            page.next = Some(event.position);
            page.events.push(event);
        }
        let ended = state.places.values().filter(|place| place.0 < watermark);
        page.next = ended.max().copied().map(position).max(query.after);
        page.at_end = true;
        Ok(page)
    }

    async fn end(&self) -> Result<Option<Position>, StoreError> {
        let state = self.lock();
        let watermark = state.watermark(self.mutation);
        let ended = state.places.values().filter(|place| place.0 < watermark);
        Ok(ended.max().copied().map(position))
    }

    fn changed(&self, _: Option<Position>) -> BoxFuture<'static, ()> {
        Box::pin(futures::future::pending())
    }
}

#[async_trait]
impl SlowTransactions for Staged {
    async fn append(&self, group: &AppendGroup) -> Box<dyn HeldAppend> {
        let mut state = self.lock();
        let transaction = state.begin();
        state.open.insert(transaction);
        if self.mutation == Mutation::LogGivesOpenAppends {
            state.haunt(transaction, group);
        }
        Box::new(Held {
            store: self.clone(),
            transaction,
            group: group.clone(),
        })
    }
}

struct Held {
    store: Staged,
    transaction: u64,
    group: AppendGroup,
}

#[async_trait]
impl HeldAppend for Held {
    async fn commit(self: Box<Self>) {
        let group = std::slice::from_ref(&self.group);
        let outcome = self.store.append_in(&mut self.store.lock(), self.transaction, group);
        assert!(outcome[0].stopped.is_none(), "a held append must be able to commit");
        if self.store.mutation == Mutation::LateCommitsComeTwice {
            self.store.lock().haunt(self.transaction, &self.group);
        }
    }

    async fn roll_back(self: Box<Self>) {
        if self.store.mutation != Mutation::LogGivesRolledBackAppends {
            return;
        }
        self.store.lock().haunt(self.transaction, &self.group);
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let mut state = self.store.lock();
        state.open.remove(&self.transaction);
        if self.store.mutation == Mutation::LogGivesOpenAppends {
            state.ghosts.clear();
        }
    }
}

#[async_trait]
impl SoleWriter for Staged {
    async fn acquire(&self, category: &Category) -> Result<Option<Box<dyn WriterLease>>, StoreError> {
        let mut state = self.lock();
        let place = match self.mutation {
            Mutation::LeasesAreOfTheHandle => (category.clone(), self.handle),
            _ => (category.clone(), 0),
        };
        let taken = state.leases.contains_key(&place);
        if taken && self.mutation != Mutation::SecondLeaseIsGiven {
            return Ok(None);
        }
        let again = state.dropped.contains(category);
        let held = Arc::new(AtomicBool::new(
            !(again && self.mutation == Mutation::LeasesAreHeldOnce),
        ));
        state.leases.insert(place.clone(), Arc::clone(&held));
        Ok(Some(Box::new(Lease {
            store: self.clone(),
            place,
            held,
        })))
    }
}

struct Lease {
    store: Staged,
    place: (Category, usize),
    held: Arc<AtomicBool>,
}

impl WriterLease for Lease {
    fn is_held(&self) -> bool {
        self.held.load(Ordering::SeqCst) || self.store.mutation == Mutation::LostLeaseSaysItIsHeld
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        let mut state = self.store.lock();
        let mine = state
            .leases
            .get(&self.place)
            .is_some_and(|held| Arc::ptr_eq(held, &self.held));
        if mine && self.store.mutation != Mutation::DroppedLeaseStaysTaken {
            state.leases.remove(&self.place);
            state.dropped.insert(self.place.0.clone());
        }
    }
}

#[async_trait]
impl LeaseLoser for Staged {
    async fn lose(&self, category: &Category) {
        if let Some(held) = self.lock().leases.remove(&(category.clone(), 0)) {
            held.store(false, Ordering::SeqCst);
        }
    }
}
