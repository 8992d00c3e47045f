use std::sync::Arc;

use asynx_core::patch::Tape;
use asynx_core::{Aggregate, Caught, Error, Fold, Stage, StreamId, Version, catch};

/// What is known of an aggregate at one version. Never changes; cheap to clone.
#[derive(Debug)]
pub(crate) struct Held<A> {
    /// The newest version of the stream, tombstones included.
    pub(crate) head: Option<Version>,
    /// The newest tombstone.
    pub(crate) floor: Option<Version>,
    /// The present life.
    pub(crate) life: Option<Life<A>>,
}

#[derive(Debug)]
pub(crate) struct Life<A> {
    pub(crate) state: Caught<Arc<A>>,
    /// The serialised state.
    pub(crate) tape: Arc<Tape>,
    /// What replay folds to, where that is not the serialised state: another version of the type wrote it (law D7).
    pub(crate) document: Option<Arc<Tape>>,
    /// The events since the snapshot that the life was last loaded from or written to.
    pub(crate) since_snapshot: usize,
}

impl<A: Aggregate> Held<A> {
    /// A stream that never had an event.
    pub(crate) const fn nothing() -> Self {
        Self {
            head: None,
            floor: None,
            life: None,
        }
    }

    /// Everything that the next command needs of what was folded.
    pub(crate) fn of(stream: &StreamId, fold: &Fold) -> Result<Self, Error> {
        let life = match fold.is_alive() {
            true => Some(Life::of(stream, fold)?),
            false => None,
        };
        Ok(Self {
            head: fold.head(),
            floor: fold.floor(),
            life,
        })
    }
}

impl<A: Aggregate> Life<A> {
    fn of(stream: &StreamId, fold: &Fold) -> Result<Self, Error> {
        let version = fold.head().unwrap_or(Version::FIRST);
        let text = fold.document().to_vec();
        let state = fold.decoded::<A>(&text)?;
        let tape = match catch(|| Tape::of(&**state)) {
            Ok(Ok(tape)) => tape,
            Ok(Err(error)) => return Err(fold.unfoldable(version, &error)),
            Err(panic) => return Err(Error::panicked(stream, Stage::Serialize, panic)),
        };
        let document = Tape::parse(&text).map_err(|error| fold.unfoldable(version, &error))?;
        let document = (!document.same(&tape)).then(|| Arc::new(document));
        Ok(Self {
            state,
            tape: Arc::new(tape),
            document,
            since_snapshot: fold.events(),
        })
    }
}

impl<A> Held<A> {
    /// The version of the living aggregate.
    pub(crate) fn living(&self) -> Option<Version> {
        self.head.filter(|_| self.life.is_some())
    }

    pub(crate) fn state(&self) -> Option<&Arc<A>> {
        self.life.as_ref().map(|life| &*life.state)
    }

    /// About how much memory it takes, the state counted by its JSON.
    pub(crate) fn weight(&self) -> usize {
        128 + self.life.as_ref().map_or(0, |life| {
            2 * life.tape.heap_size() + life.document.as_ref().map_or(0, |document| document.heap_size())
        })
    }
}

impl<A> Life<A> {
    /// What replay folds to.
    pub(crate) fn document(&self) -> &Arc<Tape> {
        self.document.as_ref().unwrap_or(&self.tape)
    }
}

impl<A> Clone for Held<A> {
    fn clone(&self) -> Self {
        Self {
            head: self.head,
            floor: self.floor,
            life: self.life.clone(),
        }
    }
}

impl<A> Clone for Life<A> {
    fn clone(&self) -> Self {
        Self {
            state: self.state.clone(),
            tape: Arc::clone(&self.tape),
            document: self.document.clone(),
            since_snapshot: self.since_snapshot,
        }
    }
}
