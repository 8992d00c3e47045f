use std::sync::Arc;

use asynx_core::patch::Tape;
use asynx_core::store::{AppendGroup, NewEvent};
use asynx_core::{Aggregate, AggregateId, drop_caught};
use foldhash::HashMap;

use crate::group::{Group, Item, Pending};
use crate::work::{Answer, Work};

/// Memory that a shard uses again and again, so that a command hardly allocates.
pub(crate) struct Spare<A: Aggregate> {
    /// Room to write a record in.
    pub(crate) scratch: Vec<u8>,
    /// Where in a batch each aggregate's commands are; empty between batches.
    pub(crate) places: HashMap<AggregateId, usize>,
    tapes: Vec<Tape>,
    groups: Vec<Lists<A>>,
    works: Vec<Vec<Work<A>>>,
    events: Vec<Vec<NewEvent>>,
    answers: Vec<Answer<A>>,
}

type Lists<A> = (Vec<Item<A>>, Vec<Pending<A>>);

/// So many of each kind are kept at most, and none with room for more than [`LARGE`].
const MANY: usize = 64;
const LARGE: usize = 64 * 1024;
const MANY_COMMANDS: usize = 16;

impl<A: Aggregate> Spare<A> {
    pub(crate) fn new() -> Self {
        Self {
            scratch: Vec::new(),
            places: HashMap::default(),
            tapes: Vec::new(),
            groups: Vec::new(),
            works: Vec::new(),
            events: Vec::new(),
            answers: Vec::new(),
        }
    }

    /// An empty tape with room for a state like this one, and not for much more: it will be kept for long.
    pub(crate) fn tape_like(&mut self, like: &Tape) -> Tape {
        let fits = |tape: &Tape| tape.heap_size() <= 2 * like.heap_size() + 256;
        self.tapes.pop().filter(fits).unwrap_or_else(|| like.room_like())
    }

    /// Empty lists for a group.
    pub(crate) fn lists(&mut self) -> Lists<A> {
        self.groups.pop().unwrap_or_default()
    }

    /// An empty list of commands; to be given back with [`Self::keep_works`].
    pub(crate) fn works(&mut self) -> Vec<Work<A>> {
        self.works.pop().unwrap_or_default()
    }

    pub(crate) fn keep_works(&mut self, mut works: Vec<Work<A>>) {
        works.clear();
        if self.works.len() < MANY && works.capacity() <= MANY_COMMANDS {
            self.works.push(works);
        }
    }

    /// An empty list of events to append; [`Self::keep_events`] takes them back.
    pub(crate) fn events(&mut self) -> Vec<NewEvent> {
        self.events.pop().unwrap_or_default()
    }

    pub(crate) fn keep_events(&mut self, appended: Vec<AppendGroup>) {
        for AppendGroup { mut events, .. } in appended {
            events.clear();
            if self.events.len() < MANY && events.capacity() <= MANY_COMMANDS {
                self.events.push(events);
            }
        }
    }

    /// Takes what a group that is answered no longer needs.
    pub(crate) fn keep(&mut self, group: Group<A>) {
        let Group {
            mut items,
            mut events,
            base,
            ..
        } = group;
        items.clear();
        events.clear();
        if self.groups.len() < MANY && items.capacity().max(events.capacity()) <= MANY_COMMANDS {
            self.groups.push((items, events));
        }
        let tape = base.life.and_then(|life| Arc::into_inner(life.tape));
        self.tapes
            .extend(tape.filter(|tape| self.tapes.len() < MANY && tape.heap_size() <= LARGE));
        if self.scratch.capacity() > LARGE {
            self.scratch = Vec::new();
        }
    }

    /// An empty list of answers; to be given back with [`Self::keep_answers`].
    pub(crate) fn answers(&mut self) -> Vec<Answer<A>> {
        std::mem::take(&mut self.answers)
    }

    pub(crate) fn keep_answers(&mut self, mut answers: Vec<Answer<A>>) {
        answers.drain(..).for_each(drop_caught);
        if answers.capacity() <= MANY_COMMANDS {
            self.answers = answers;
        }
    }
}
