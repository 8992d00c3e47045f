use std::fmt;

use asynx_core::store::{Checkpoint, Checkpoints as _, ParkedEvent, Transactions};
use asynx_core::{Position, StoreError};

use crate::MemoryStore;

/// Collects what is to happen, which then happens all at once. For testing readers of the log that write in a
/// transaction of a database: the read model is a value of the test's own, changed by functions.
#[derive(Default)]
pub struct MemoryTransaction {
    moves: Vec<Move>,
    parked: Vec<(String, ParkedEvent)>,
    unparked: Vec<(String, Position)>,
    changes: Vec<Box<dyn FnOnce() + Send>>,
}

#[derive(Debug)]
struct Move {
    reader: String,
    from: Option<Position>,
    to: Option<Position>,
    fence: u64,
}

impl MemoryTransaction {
    /// Runs a function when the transaction is committed, under the store's lock: it must not call the store.
    pub fn change(&mut self, change: impl FnOnce() + Send + 'static) {
        self.changes.push(Box::new(change));
    }
}

impl fmt::Debug for MemoryTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryTransaction")
            .field("moves", &self.moves)
            .field("changes", &self.changes.len())
            .finish_non_exhaustive()
    }
}

impl Transactions for MemoryStore {
    type Transaction = MemoryTransaction;

    async fn begin(&self) -> Result<MemoryTransaction, StoreError> {
        Ok(MemoryTransaction::default())
    }

    async fn move_in(
        &self,
        transaction: &mut MemoryTransaction,
        reader: &str,
        from: Option<Position>,
        to: Option<Position>,
        fence: u64,
    ) -> Result<bool, StoreError> {
        transaction.moves.push(Move {
            reader: reader.to_owned(),
            from,
            to,
            fence,
        });
        let newest = self.get(reader).await?;
        Ok(newest == Some(Checkpoint { position: from, fence }))
    }

    async fn park_in(
        &self,
        transaction: &mut MemoryTransaction,
        reader: &str,
        event: &ParkedEvent,
    ) -> Result<(), StoreError> {
        transaction.parked.push((reader.to_owned(), event.clone()));
        Ok(())
    }

    async fn unpark_in(
        &self,
        transaction: &mut MemoryTransaction,
        reader: &str,
        position: Position,
    ) -> Result<bool, StoreError> {
        transaction.unparked.push((reader.to_owned(), position));
        let data = self.lock();
        Ok(data
            .parked
            .get(reader)
            .is_some_and(|parked| parked.contains_key(&position)))
    }

    async fn commit(&self, transaction: MemoryTransaction) -> Result<(), StoreError> {
        let mut data = self.lock();
        for step in &transaction.moves {
            let row = data.owned(&step.reader, step.fence);
            if row.and_then(|row| row.position) != Some(step.from) {
                let reader = &step.reader;
                return Err(StoreError::transient(format!(
                    "the reader {reader:?} was moved or taken over"
                )));
            }
        }
        for (reader, position) in transaction.unparked {
            let there = data.parked.get_mut(&reader).and_then(|parked| parked.remove(&position));
            if there.is_none() {
                return Err(StoreError::transient(format!(
                    "{position} is not parked for {reader:?} any more"
                )));
            }
        }
        for step in transaction.moves {
            if let Some(row) = data.owned(&step.reader, step.fence) {
                row.position = Some(step.to);
            }
        }
        for (reader, event) in transaction.parked {
            data.parked.entry(reader).or_default().insert(event.position, event);
        }
        transaction.changes.into_iter().for_each(|change| change());
        Ok(())
    }
}
