use std::fmt;

use asynx_core::store::{Checkpoints as _, ParkedEvent, Transactions};
use asynx_core::{Position, StoreError};

use crate::MemoryStore;

/// Collects what is to happen, which then happens all at once. For testing readers of the log that write in a
/// transaction of a database: the read model is a value of the test's own, changed by functions.
#[derive(Default)]
pub struct MemoryTransaction {
    puts: Vec<(String, Option<Position>, u64)>,
    parked: Vec<(String, ParkedEvent)>,
    changes: Vec<Box<dyn FnOnce() + Send>>,
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
            .field("puts", &self.puts)
            .field("changes", &self.changes.len())
            .finish_non_exhaustive()
    }
}

impl Transactions for MemoryStore {
    type Transaction = MemoryTransaction;

    async fn begin(&self) -> Result<MemoryTransaction, StoreError> {
        Ok(MemoryTransaction::default())
    }

    async fn put_in(
        &self,
        transaction: &mut MemoryTransaction,
        reader: &str,
        position: Option<Position>,
        fence: u64,
    ) -> Result<bool, StoreError> {
        transaction.puts.push((reader.to_owned(), position, fence));
        let newest = self.get(reader).await?;
        Ok(newest.is_some_and(|newest| newest.fence == fence))
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

    async fn commit(&self, transaction: MemoryTransaction) -> Result<(), StoreError> {
        let mut data = self.lock();
        let owned = |data: &mut crate::data::Data, reader: &str, fence| data.owned(reader, fence).is_some();
        if let Some((reader, ..)) = transaction
            .puts
            .iter()
            .find(|(reader, _, fence)| !owned(&mut data, reader, *fence))
        {
            return Err(StoreError::transient(format!("the reader {reader:?} was taken over")));
        }
        for (reader, position, fence) in transaction.puts {
            if let Some(row) = data.owned(&reader, fence) {
                row.position = Some(position);
            }
        }
        for (reader, event) in transaction.parked {
            data.parked.entry(reader).or_default().insert(event.position, event);
        }
        transaction.changes.into_iter().for_each(|change| change());
        Ok(())
    }
}
