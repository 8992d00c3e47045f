use std::sync::Arc;

use asynx_core::store::{AppendGroup, FoundEvent, NewEvent};
use asynx_core::{Aggregate, AggregateId, Ancestry, Applied, Caught, Error, Record, StreamId, Timestamp, Version};

use crate::held::Held;
use crate::shared::Shared;
use crate::work::{Verdict, Work};

/// The commands of one aggregate in one batch, run on its newest state, each seeing what those before it did.
pub(crate) struct Group<A: Aggregate> {
    pub(crate) stream: StreamId,
    pub(crate) base: Held<A>,
    /// Whether the base was read from the store after all of these commands were taken.
    pub(crate) fresh: bool,
    pub(crate) items: Vec<Item<A>>,
    pub(crate) events: Vec<Pending<A>>,
}

/// A command that has run, and what it rests on.
pub(crate) struct Item<A: Aggregate> {
    pub(crate) work: Work<A>,
    pub(crate) outcome: Outcome,
}

pub(crate) enum Outcome {
    /// It becomes the event at this place of the group.
    Event(usize),
    /// It carries the same idempotency key as that event.
    SameAs(usize),
    /// The answer is no, by the state after so many events of the group.
    No { after: usize, reason: No },
}

/// Why the answer is no.
pub(crate) enum No {
    /// The domain's rejection, kept in the work.
    Rejected,
    Failed(Error),
}

/// An event about to be appended.
pub(crate) struct Pending<A: Aggregate> {
    pub(crate) record: Record,
    pub(crate) new: NewEvent,
    pub(crate) previous: Option<Caught<Arc<A>>>,
    /// The state after it; of a tombstone, the last before it.
    pub(crate) state: Caught<Arc<A>>,
    pub(crate) after: Held<A>,
    pub(crate) snapshot: bool,
    /// Whether its id stands for an idempotency key, so that others may have used it too.
    pub(crate) keyed: bool,
    /// The handlers that led to its command.
    pub(crate) ancestry: Ancestry,
}

impl<A: Aggregate> Pending<A> {
    /// Whether an event that was found by this one's id is this one.
    pub(crate) fn is(&self, found: &FoundEvent) -> bool {
        let same_bytes = match &found.record {
            Some(record) => *record == self.new.record,
            // Erased since. An id that nobody else can have made tells all the same.
            None => !self.keyed,
        };
        found.version == self.new.version && same_bytes
    }
}

impl<A: Aggregate> Group<A> {
    pub(crate) fn new(stream: StreamId, base: Held<A>, fresh: bool) -> Self {
        Self {
            stream,
            base,
            fresh,
            items: Vec::new(),
            events: Vec::new(),
        }
    }

    pub(crate) fn id(&self) -> &AggregateId {
        &self.stream.aggregate_id
    }

    fn newest(&self) -> &Held<A> {
        self.events.last().map_or(&self.base, |event| &event.after)
    }

    /// What is known after so many events.
    pub(crate) fn after(&self, events: usize) -> &Held<A> {
        let last = events.checked_sub(1).and_then(|last| self.events.get(last));
        last.map_or(&self.base, |event| &event.after)
    }

    pub(crate) fn to_append(&self) -> AppendGroup {
        AppendGroup {
            stream: self.stream.clone(),
            events: self.events.iter().map(|event| event.new.clone()).collect(),
        }
    }

    /// Whether the next command must wait for another batch: a tombstone ends a life.
    pub(crate) fn is_closed(&self) -> bool {
        self.events
            .last()
            .is_some_and(|event| event.record.event_name.is_tombstone())
    }

    /// Runs a command on the newest state. The bytes of its record, if it becomes an event.
    pub(crate) fn run(&mut self, shared: &Shared<A>, mut work: Work<A>, now: Timestamp) -> usize {
        let (outcome, bytes) = match self.outcome(shared, &mut work, now) {
            Ok((outcome, bytes)) => (outcome, bytes),
            Err(reason) => {
                let after = self.events.len();
                (Outcome::No { after, reason }, 0)
            }
        };
        self.items.push(Item { work, outcome });
        bytes
    }

    fn outcome(&mut self, shared: &Shared<A>, work: &mut Work<A>, now: Timestamp) -> Result<(Outcome, usize), No> {
        if work.keyed
            && let Some(at) = self.events.iter().position(|event| event.new.event_id == work.event_id)
        {
            let first = &self.events[at];
            if first.new.event_name == work.event_name {
                return Ok((Outcome::SameAs(at), 0));
            }
            return Err(No::Failed(Error::KeyReused {
                stream: self.stream.clone(),
                event_name: first.new.event_name.to_string(),
                version: first.new.version,
            }));
        }
        let living = self.newest().living();
        if !work.expected.fits(living) {
            return Err(No::Failed(Error::Unexpected {
                stream: self.stream.clone(),
                expected: work.expected,
                actual: living,
            }));
        }
        let verdict = work.run.run(self.newest().state());
        let pending = match verdict {
            Verdict::Next(next) => self.pending(shared, work, Caught::new(next), now)?,
            Verdict::Tombstone(last) => self.tombstone(shared, work, Caught::new(last), now),
            Verdict::Rejected => return Err(No::Rejected),
            Verdict::NotFound => {
                return Err(No::Failed(Error::NotFound {
                    stream: self.stream.clone(),
                }));
            }
            Verdict::Panicked(stage, panic) => return Err(No::Failed(Error::panicked(&self.stream, stage, panic))),
        };
        let bytes = pending.new.record.len();
        if bytes > shared.options.max_record_bytes {
            return Err(No::Failed(Error::TooLarge {
                stream: self.stream.clone(),
                bytes,
                limit: shared.options.max_record_bytes,
            }));
        }
        self.events.push(pending);
        Ok((Outcome::Event(self.events.len() - 1), bytes))
    }

    fn pending(
        &self,
        shared: &Shared<A>,
        work: &Work<A>,
        next: Caught<Arc<A>>,
        now: Timestamp,
    ) -> Result<Pending<A>, No> {
        let old = self.newest();
        let change = shared.change(&self.stream, &work.event_name, old.life.as_ref(), next);
        let change = change.map_err(|error| {
            debug_assert_eq!(error.applied(), Applied::No);
            No::Failed(error)
        })?;
        let version = Version::after(old.head);
        let record = Record::new(
            work.event_id,
            work.event_name.clone(),
            version,
            shared.upcast.current(),
            now,
            Arc::clone(&work.metadata),
            change.patch.into(),
        );
        let every = shared.options.snapshot_every;
        let mut life = change.life;
        let snapshot = work.snapshot || every.is_some_and(|every| life.since_snapshot >= every.get());
        if snapshot {
            life.since_snapshot = 0;
        }
        Ok(Pending {
            new: new_event(&record),
            record,
            previous: old.life.as_ref().map(|life| life.state.clone()),
            state: life.state.clone(),
            snapshot,
            keyed: work.keyed,
            ancestry: work.ancestry.clone(),
            after: Held {
                head: Some(version),
                floor: old.floor,
                life: Some(life),
            },
        })
    }

    fn tombstone(&self, shared: &Shared<A>, work: &Work<A>, last: Caught<Arc<A>>, now: Timestamp) -> Pending<A> {
        let version = Version::after(self.newest().head);
        let record = Record::new(
            work.event_id,
            work.event_name.clone(),
            version,
            shared.upcast.current(),
            now,
            Arc::clone(&work.metadata),
            bytes::Bytes::from_static(b"[]"),
        );
        Pending {
            new: new_event(&record),
            record,
            previous: Some(last.clone()),
            state: last,
            snapshot: false,
            keyed: false,
            ancestry: work.ancestry.clone(),
            after: Held {
                head: Some(version),
                floor: Some(version),
                life: None,
            },
        }
    }
}

pub(crate) fn new_event(record: &Record) -> NewEvent {
    NewEvent {
        version: record.version,
        event_id: record.event_id,
        event_name: record.event_name.clone(),
        occurred_at: record.occurred_at,
        record: record.encode(),
    }
}
