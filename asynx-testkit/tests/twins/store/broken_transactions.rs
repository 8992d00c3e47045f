//! What is broken in transactions.

use async_trait::async_trait;
use asynx_core::store::ParkedEvent;
use asynx_core::{Position, StoreError};
use asynx_testkit::conformance::{AnyTransaction, AnyTransactions};

use super::broken::Broken;
use super::mutation::Mutation;

/// Collects what is to happen, and looks again when it does.
struct Open {
    store: Broken,
    moved: Option<Move>,
    parked: Vec<(String, ParkedEvent)>,
    unparked: Vec<(String, Position)>,
}

struct Move {
    reader: String,
    from: Option<Position>,
    to: Option<Position>,
    fence: u64,
}

impl Broken {
    fn may_move(&self, step: &Move) -> bool {
        let reader = self.reader(&step.reader);
        let there = self.is(Mutation::MovesBeginAnywhere) || reader.position == step.from;
        there && self.may_write(reader, step.fence)
    }
}

#[async_trait]
impl AnyTransactions for Broken {
    async fn begin(&self) -> Result<Box<dyn AnyTransaction>, StoreError> {
        Ok(Box::new(Open {
            store: self.same(),
            moved: None,
            parked: Vec::new(),
            unparked: Vec::new(),
        }))
    }
}

#[async_trait]
impl AnyTransaction for Open {
    async fn move_in(
        &mut self,
        reader: &str,
        from: Option<Position>,
        to: Option<Position>,
        fence: u64,
    ) -> Result<bool, StoreError> {
        let step = Move {
            reader: reader.to_owned(),
            from,
            to,
            fence,
        };
        let may = self.store.may_move(&step);
        self.moved = Some(step);
        Ok(may)
    }

    async fn park_in(&mut self, reader: &str, event: &ParkedEvent) -> Result<(), StoreError> {
        self.parked.push((reader.to_owned(), event.clone()));
        Ok(())
    }

    async fn unpark_in(&mut self, reader: &str, position: Position) -> Result<bool, StoreError> {
        self.unparked.push((reader.to_owned(), position));
        Ok(self.store.is_parked(reader, position))
    }

    async fn commit(mut self: Box<Self>) -> Result<(), StoreError> {
        let store = self.store.same();
        let looks = !store.is(Mutation::CommitsLookAtNothing);
        if let Some(step) = self.moved.take() {
            if looks && !store.may_move(&step) {
                self.parked.clear();
                return Err(StoreError::transient("the reader was moved or taken over"));
            }
            store.change(&step.reader, |kept| kept.position = step.to);
        }
        store.a_moment(Mutation::CommitsAreInSteps).await;
        for (reader, position) in self.unparked.drain(..) {
            store.unpark_now(&reader, position);
        }
        for (reader, event) in self.parked.drain(..) {
            store.park_now(&reader, &event);
        }
        Ok(())
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        if self.store.is(Mutation::DroppedTransactionsPark) {
            for (reader, event) in self.parked.drain(..) {
                self.store.park_now(&reader, &event);
            }
        }
    }
}
