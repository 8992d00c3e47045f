use std::sync::Arc;

use asynx_core::store::{AppendGroup, FoundEvent, NewEvent};
use asynx_core::{
    Aggregate, AggregateId, Ancestry, Applied, Caught, Error, Event, Position, Record, StreamId, Timestamp, Version,
};

use asynx_observe::Span;

use crate::held::Held;
use crate::shared::Shared;
use crate::spare::Spare;
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

impl Outcome {
    /// Whether it is answered with the event at this place.
    pub(crate) const fn is_of(&self, place: usize) -> bool {
        matches!(self, Self::Event(at) | Self::SameAs(at) if *at == place)
    }
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
    /// The span of its command's caller.
    pub(crate) span: Span,
}

impl<A: Aggregate> Pending<A> {
    /// The event as it was stored.
    pub(crate) fn event(&self, id: &AggregateId, position: Option<Position>) -> Event<A> {
        let previous = self.previous.as_deref().cloned();
        let event = Event::new(
            id.clone(),
            self.record.clone(),
            position,
            previous,
            self.state.clone().into_inner(),
        );
        // Handlers that wait for this very event are not waited for.
        event.with_ancestry(self.ancestry.clone())
    }

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
    pub(crate) fn new(stream: StreamId, base: Held<A>, fresh: bool, spare: &mut Spare<A>) -> Self {
        let (items, events) = spare.lists();
        Self {
            stream,
            base,
            fresh,
            items,
            events,
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

    /// What the store is to append, in a list that is empty.
    pub(crate) fn to_append(&self, mut events: Vec<NewEvent>) -> AppendGroup {
        events.extend(self.events.iter().map(|event| event.new.clone()));
        AppendGroup {
            stream: self.stream.clone(),
            events,
        }
    }

    /// Whether the next command must wait for another batch: a tombstone ends a life.
    pub(crate) fn is_closed(&self) -> bool {
        self.events
            .last()
            .is_some_and(|event| event.record.event_name.is_tombstone())
    }

    /// Runs a command on the newest state. The bytes of its record, if it becomes an event.
    pub(crate) fn run(&mut self, room: &mut Room<'_, A>, mut work: Work<A>) -> usize {
        let (outcome, bytes) = match self.outcome(room, &mut work) {
            Ok((outcome, bytes)) => (outcome, bytes),
            Err(reason) => {
                let after = self.events.len();
                (Outcome::No { after, reason }, 0)
            }
        };
        self.items.push(Item { work, outcome });
        bytes
    }

    fn outcome(&mut self, room: &mut Room<'_, A>, work: &mut Work<A>) -> Result<(Outcome, usize), No> {
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
        work.trail.run(&room.shared.figures);
        let verdict = work.run.run(self.newest().state());
        let pending = match verdict {
            Verdict::Next(next) => self.pending(room, work, Caught::new(next))?,
            Verdict::Tombstone(last) => self.tombstone(room, work, Caught::new(last)),
            Verdict::Rejected => return Err(No::Rejected),
            Verdict::NotFound => {
                return Err(No::Failed(Error::NotFound {
                    stream: self.stream.clone(),
                }));
            }
            Verdict::Panicked(stage, panic) => return Err(No::Failed(Error::panicked(&self.stream, stage, panic))),
        };
        let bytes = pending.new.record.len();
        let limit = room.shared.options.max_record_bytes;
        if bytes > limit {
            return Err(No::Failed(Error::TooLarge {
                stream: self.stream.clone(),
                bytes,
                limit,
            }));
        }
        self.events.push(pending);
        Ok((Outcome::Event(self.events.len() - 1), bytes))
    }

    fn pending(&self, room: &mut Room<'_, A>, work: &Work<A>, next: Caught<Arc<A>>) -> Result<Pending<A>, No> {
        let (shared, old) = (room.shared, self.newest());
        let version = Version::after(old.head);
        let mut record = room.record(work, version);
        let life = old.life.as_ref();
        let tape = life.map(|life| room.spare.tape_like(&life.tape));
        let change = record.compose(&mut room.spare.scratch, |patch| {
            shared.change(&self.stream, &work.event_name, life, next, tape, patch)
        });
        let (bytes, mut life) = change.map_err(|error| {
            debug_assert_eq!(error.applied(), Applied::No);
            No::Failed(error)
        })?;
        let every = shared.options.snapshot_every;
        let snapshot = work.snapshot || every.is_some_and(|every| life.since_snapshot >= every.get());
        if snapshot {
            life.since_snapshot = 0;
        }
        Ok(Pending {
            new: new_event(&record, bytes),
            record,
            previous: old.life.as_ref().map(|life| life.state.clone()),
            state: life.state.clone(),
            snapshot,
            keyed: work.keyed,
            ancestry: work.ancestry.clone(),
            span: work.trail.span().clone(),
            after: Held {
                head: Some(version),
                floor: old.floor,
                life: Some(life),
            },
        })
    }

    fn tombstone(&self, room: &Room<'_, A>, work: &Work<A>, last: Caught<Arc<A>>) -> Pending<A> {
        let version = Version::after(self.newest().head);
        let mut record = room.record(work, version);
        record.patch = bytes::Bytes::from_static(b"[]");
        Pending {
            new: new_event(&record, record.encode()),
            record,
            previous: Some(last.clone()),
            state: last,
            snapshot: false,
            keyed: false,
            ancestry: work.ancestry.clone(),
            span: Span::none(),
            after: Held {
                head: Some(version),
                floor: Some(version),
                life: None,
            },
        }
    }
}

/// Where commands run: what they need of the shard.
pub(crate) struct Room<'a, A: Aggregate> {
    pub(crate) shared: &'a Shared<A>,
    pub(crate) spare: &'a mut Spare<A>,
    pub(crate) now: Timestamp,
}

impl<A: Aggregate> Room<'_, A> {
    /// The record of a command's event, without its patch.
    fn record(&self, work: &Work<A>, version: Version) -> Record {
        Record::new(
            work.event_id,
            work.event_name.clone(),
            version,
            self.shared.upcast.current(),
            self.now,
            Arc::clone(&work.metadata),
            bytes::Bytes::new(),
        )
    }
}

pub(crate) fn new_event(record: &Record, bytes: bytes::Bytes) -> NewEvent {
    NewEvent {
        version: record.version,
        event_id: record.event_id,
        event_name: record.event_name.clone(),
        occurred_at: record.occurred_at,
        record: bytes,
    }
}
