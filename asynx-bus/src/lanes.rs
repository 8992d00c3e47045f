use std::collections::{BTreeMap, VecDeque};

use asynx_core::AggregateId;
use asynx_core::bus::{SubscriptionOptions, SubscriptionOverflow};
use futures::channel::oneshot;
use indexmap::IndexMap;
use indexmap::map::Entry;

use crate::given::{Done, Given, Job};
use crate::sabotage;

/// The events that wait in one queue: a lane per aggregate, and which lane is next.
///
/// Invariants: a lane exists while it runs, is held or has items; a lane that does neither begins with an event; no lane is
/// ready while fewer than `concurrency` run. Values whose drop may call user code or wake a task are handed out, to be
/// dropped when the queue's lock is released.
pub(crate) struct Lanes<A> {
    lanes: IndexMap<AggregateId, Lane<A>>,
    /// Who waited longest is first, so that no busy aggregate starves the others.
    ready: BTreeMap<u64, AggregateId>,
    /// The lanes of waiting events by the events' age, where the policy asks for it.
    by_age: Option<BTreeMap<u64, AggregateId>>,
    waiting: usize,
    running: usize,
    concurrency: usize,
    capacity: Option<usize>,
    last_ticket: u64,
}

struct Lane<A> {
    items: VecDeque<Item<A>>,
    place: Place,
}

enum Item<A> {
    Event(u64, Given<A>),
    /// Ends when everything before it has ended.
    Barrier(Vec<Done>),
    /// The same, and what is behind it waits until it is lifted.
    Hold(u64, Done),
}

enum Place {
    Ready(u64),
    Running(Option<Done>),
    /// Nothing goes on until this hold is lifted.
    Held(u64),
}

/// What became of a pushed event.
pub(crate) enum Pushed<A> {
    /// It needs a new worker.
    Starts(Job<A>),
    /// It waits.
    Waits,
    /// It waits, and this one was dropped to make room.
    Displaces(Given<A>),
    /// There is no room.
    Refused(Given<A>),
}

/// What an event waits for in its lane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Behind {
    /// For the events before it, if there are any.
    Events,
    /// For a hold to be lifted as well.
    Hold,
}

impl<A> Lanes<A> {
    pub(crate) fn new(options: &SubscriptionOptions<A>) -> Self {
        let capacity = options.capacity.map(usize::from);
        Self {
            lanes: IndexMap::new(),
            ready: BTreeMap::new(),
            by_age: (capacity.is_some() && options.overflow == SubscriptionOverflow::DropOldest).then(BTreeMap::new),
            waiting: 0,
            running: 0,
            concurrency: options.concurrency.get(),
            capacity,
            last_ticket: 0,
        }
    }

    /// How many events may wait.
    pub(crate) const fn capacity(&self) -> Option<usize> {
        self.capacity
    }

    /// What the next event of an aggregate waits for.
    pub(crate) fn behind(&self, id: &AggregateId) -> Behind {
        let is_held = |lane: &Lane<A>| {
            let mut items = lane.items.iter();
            matches!(lane.place, Place::Held(_)) || items.any(|item| matches!(item, Item::Hold(..)))
        };
        match self.lanes.get(id).is_some_and(is_held) {
            true => Behind::Hold,
            false => Behind::Events,
        }
    }

    pub(crate) fn push(&mut self, mut given: Given<A>, ended: &mut Vec<Done>) -> Pushed<A> {
        let id = given.event.aggregate_id.clone();
        if self.running < self.concurrency && (!self.lanes.contains_key(&id) || sabotage::races_deliveries()) {
            self.running += 1;
            let lane = Lane {
                items: VecDeque::new(),
                place: Place::Running(given.done.take()),
            };
            self.lanes.insert(id, lane);
            return Pushed::Starts(given.into());
        }
        let mut displaced = None;
        if self.capacity.is_some_and(|capacity| self.waiting >= capacity) {
            displaced = self.remove_oldest(ended);
            if displaced.is_none() {
                return Pushed::Refused(given);
            }
        }
        self.wait(id, given, ended);
        displaced.map_or(Pushed::Waits, Pushed::Displaces)
    }

    fn wait(&mut self, id: AggregateId, mut given: Given<A>, ended: &mut Vec<Done>) {
        // The forget waits for handlers, one of which may wait for this event: nobody may wait for both.
        if given.caused.is_some() && self.lanes.get(&id).is_some_and(Lane::is_held) {
            ended.extend(given.done.take());
        }
        let ticket = self.ticket();
        self.waiting += 1;
        if let Some(by_age) = &mut self.by_age {
            by_age.insert(ticket, id.clone());
        }
        let item = Item::Event(ticket, given);
        match self.lanes.entry(id) {
            Entry::Occupied(mut lane) => lane.get_mut().items.push_back(item),
            Entry::Vacant(lane) => {
                self.ready.insert(ticket, lane.key().clone());
                lane.insert(Lane {
                    items: VecDeque::from([item]),
                    place: Place::Ready(ticket),
                });
            }
        }
    }

    fn remove_oldest(&mut self, ended: &mut Vec<Done>) -> Option<Given<A>> {
        let (_, id) = self.by_age.as_mut()?.pop_first()?;
        let lane = self.lanes.get_mut(&id)?;
        // Ahead of a lane's first event there may be a barrier, when the lane runs.
        let at = lane.items.iter().position(|item| matches!(item, Item::Event(..)))?;
        let Some(Item::Event(_, given)) = lane.items.remove(at) else {
            return None;
        };
        self.waiting -= 1;
        if let Place::Ready(ticket) = lane.place
            && !matches!(lane.items.front(), Some(Item::Event(..)))
        {
            self.ready.remove(&ticket);
            self.advance(&id, ended);
        }
        Some(given)
    }

    /// The lane's running event has ended: what waits behind it is ready.
    pub(crate) fn release(&mut self, id: &AggregateId, ended: &mut Vec<Done>) {
        let Some(lane) = self.lanes.get_mut(id) else { return };
        if let Place::Running(done) = &mut lane.place {
            ended.extend(done.take());
        }
        self.advance(id, ended);
    }

    /// What is first in a lane where nothing runs decides how it goes on.
    fn advance(&mut self, id: &AggregateId, ended: &mut Vec<Done>) {
        let ticket = self.ticket();
        let Some(lane) = self.lanes.get_mut(id) else { return };
        lane.pass_barriers(ended);
        match lane.items.pop_front_if(|item| matches!(item, Item::Hold(..))) {
            Some(Item::Hold(hold, passed)) => {
                ended.push(passed);
                lane.place = Place::Held(hold);
            }
            _ if lane.items.is_empty() => {
                self.lanes.swap_remove(id);
            }
            _ => {
                lane.place = Place::Ready(ticket);
                self.ready.insert(ticket, id.clone());
            }
        }
    }

    /// Holds what will be pushed for this aggregate from now on, until [`lift`](Self::lift). The receiver ends when
    /// everything that was pushed before has ended.
    pub(crate) fn hold(&mut self, id: &AggregateId, ended: &mut Vec<Done>) -> (u64, oneshot::Receiver<()>) {
        let hold = self.ticket();
        let (done, passed) = oneshot::channel();
        if let Some(lane) = self.lanes.get_mut(id) {
            lane.items.push_back(Item::Hold(hold, done));
        } else {
            ended.push(done);
            let lane = Lane {
                items: VecDeque::new(),
                place: Place::Held(hold),
            };
            self.lanes.insert(id.clone(), lane);
        }
        (hold, passed)
    }

    /// Lifts a hold. The job, if there is one, needs a new worker.
    pub(crate) fn lift(&mut self, id: &AggregateId, hold: u64, ended: &mut Vec<Done>) -> Option<Job<A>> {
        let lane = self.lanes.get_mut(id)?;
        if !matches!(lane.place, Place::Held(held) if held == hold) {
            // It was given up before its turn came.
            let at = lane
                .items
                .iter()
                .position(|item| matches!(item, Item::Hold(other, _) if *other == hold))?;
            if let Some(Item::Hold(_, done)) = lane.items.remove(at) {
                ended.push(done);
            }
            return None;
        }
        self.advance(id, ended);
        if self.running == self.concurrency {
            return None;
        }
        self.running += 1;
        self.next()
    }

    /// The next event for a worker whose last one was released; without one, the worker ends.
    pub(crate) fn next(&mut self) -> Option<Job<A>> {
        let next = self.start_next();
        if next.is_none() {
            self.running -= 1;
        }
        next
    }

    fn start_next(&mut self) -> Option<Job<A>> {
        let (_, id) = self.ready.pop_first()?;
        let lane = self.lanes.get_mut(&id)?;
        let Some(Item::Event(ticket, mut given)) = lane.items.pop_front() else {
            return None;
        };
        lane.place = Place::Running(given.done.take());
        self.waiting -= 1;
        if let Some(by_age) = &mut self.by_age {
            by_age.remove(&ticket);
        }
        Some(given.into())
    }

    /// A barrier in every lane.
    pub(crate) fn barriers(&mut self, ended: &mut Vec<Done>) -> Vec<oneshot::Receiver<()>> {
        self.lanes.values_mut().map(|lane| lane.barrier(ended)).collect()
    }

    /// Takes out every event that waits, in the order of publishing. Barriers behind a running event stay, and who
    /// waits for the running events is told.
    pub(crate) fn drain(&mut self, ended: &mut Vec<Done>) -> Vec<Given<A>> {
        let mut drained = Vec::with_capacity(self.waiting);
        for lane in self.lanes.values_mut() {
            let mut barrier = Vec::new();
            for item in std::mem::take(&mut lane.items) {
                match item {
                    Item::Event(ticket, given) => drained.push((ticket, given)),
                    Item::Barrier(waiting) => barrier.extend(waiting),
                    Item::Hold(_, waiting) => barrier.push(waiting),
                }
            }
            match &mut lane.place {
                Place::Ready(_) | Place::Held(_) => ended.extend(barrier),
                Place::Running(done) => {
                    ended.extend(done.take());
                    if !barrier.is_empty() {
                        lane.items.push_back(Item::Barrier(barrier));
                    }
                }
            }
        }
        self.lanes.retain(|_, lane| matches!(lane.place, Place::Running(_)));
        self.ready.clear();
        self.by_age.iter_mut().for_each(BTreeMap::clear);
        self.waiting = 0;
        drained.sort_by_key(|(ticket, _)| *ticket);
        drained.into_iter().map(|(_, given)| given).collect()
    }

    /// Ends the barriers that a [`drain`](Self::drain) left.
    pub(crate) fn drain_barriers(&mut self, ended: &mut Vec<Done>) {
        for lane in self.lanes.values_mut() {
            lane.pass_barriers(ended);
        }
    }

    const fn ticket(&mut self) -> u64 {
        self.last_ticket += 1;
        self.last_ticket
    }
}

impl<A> Lane<A> {
    fn is_held(&self) -> bool {
        matches!(self.place, Place::Held(_)) || self.items.iter().any(|item| matches!(item, Item::Hold(..)))
    }

    fn pass_barriers(&mut self, ended: &mut Vec<Done>) {
        while let Some(Item::Barrier(waiting)) = self.items.pop_front_if(|item| matches!(item, Item::Barrier(_))) {
            ended.extend(waiting);
        }
    }

    fn barrier(&mut self, ended: &mut Vec<Done>) -> oneshot::Receiver<()> {
        let (done, passed) = oneshot::channel();
        if let Some(Item::Barrier(waiting)) = self.items.back_mut() {
            // Those who gave up waiting leave nothing behind.
            ended.extend(waiting.extract_if(.., |waiting| waiting.is_canceled()));
            waiting.push(done);
        } else {
            self.items.push_back(Item::Barrier(vec![done]));
        }
        passed
    }
}

impl<A> From<Given<A>> for Job<A> {
    fn from(given: Given<A>) -> Self {
        Self {
            event: given.event,
            caused: given.caused,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use asynx_core::{Aggregate, Event, EventId, EventName, Metadata, Record, SchemaVersion, Timestamp, Version};

    use super::*;

    #[derive(Clone, serde::Serialize, serde::Deserialize)]
    struct Thing;

    impl Aggregate for Thing {
        const CATEGORY: &'static str = "thing";
    }

    fn given(aggregate: &AggregateId) -> Given<Thing> {
        let record = Record::new(
            EventId::from_uuid(uuid::Uuid::nil()),
            EventName::parse("Made").unwrap(),
            Version::new(1).unwrap(),
            SchemaVersion::new(1).unwrap(),
            Timestamp::UNIX_EPOCH,
            Arc::new(Metadata::default()),
            bytes::Bytes::from_static(b"[]"),
        );
        Given::new(
            Event::new(aggregate.clone(), record, None, None, Arc::new(Thing)),
            None,
            None,
        )
    }

    #[test]
    fn those_who_gave_up_waiting_leave_one_barrier_behind() {
        let mut lanes = Lanes::new(&SubscriptionOptions::default());
        let mut ended = Vec::new();
        let aggregate = AggregateId::parse("a").unwrap();
        assert!(matches!(lanes.push(given(&aggregate), &mut ended), Pushed::Starts(_)));
        for _ in 0..100 {
            drop(lanes.barriers(&mut ended));
        }
        let items = &lanes.lanes[&aggregate].items;
        assert_eq!(items.len(), 1);
        assert!(matches!(&items[0], Item::Barrier(waiting) if waiting.len() == 1));
    }
}
