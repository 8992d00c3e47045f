use async_trait::async_trait;
use asynx_core::store::{
    AppendError, Checkpoint, Checkpoints, EventLog, Leases, NewEvent, ParkedEvent, Parking, StoredEvent, Transactions,
};
use asynx_core::{Position, Store, StoreError, StreamId, Version};

use super::linger::{Amid, linger};
use super::sabotage::Sabotage;

/// The store as a projection sees it: now and then it takes a while to begin, and it may be broken.
#[derive(Clone)]
pub(super) struct Seen<S> {
    pub(super) base: S,
    pub(super) table: &'static str,
    pub(super) sabotage: Option<Sabotage>,
}

/// The partition that may be skipped.
const SKIPPED: &str = "/2-4";

impl<S: Store> Seen<S> {
    fn kept(&self) -> Result<&dyn Checkpoints, StoreError> {
        let kept = self.base.checkpoints();
        kept.ok_or_else(|| StoreError::permanent("the store keeps no checkpoints"))
    }

    /// What the checkpoint is now, to which nobody has a right who asks.
    async fn stolen(&self, reader: &str) -> Result<Option<Checkpoint>, StoreError> {
        match self.sabotage {
            Some(Sabotage::NoFence) => self.kept()?.get(reader).await,
            _ => Ok(None),
        }
    }
}

#[async_trait]
impl<S: Store> Checkpoints for Seen<S> {
    async fn get(&self, reader: &str) -> Result<Option<Checkpoint>, StoreError> {
        self.kept()?.get(reader).await
    }

    async fn claim(&self, reader: &str) -> Result<Checkpoint, StoreError> {
        let mut claimed = self.kept()?.claim(reader).await?;
        if self.sabotage == Some(Sabotage::SkippedPartition)
            && reader.ends_with(SKIPPED)
            && let Some(log) = self.base.log()
        {
            claimed.position = log.end().await?;
            self.kept()?.put(reader, claimed.position, claimed.fence).await?;
        }
        Ok(claimed)
    }

    async fn put(&self, reader: &str, position: Option<Position>, fence: u64) -> Result<bool, StoreError> {
        let fence = self.stolen(reader).await?.map_or(fence, |kept| kept.fence);
        self.kept()?.put(reader, position, fence).await
    }

    async fn remove(&self, reader: &str, fence: u64) -> Result<bool, StoreError> {
        self.kept()?.remove(reader, fence).await
    }
}

impl<S: Store + Transactions> Transactions for Seen<S> {
    type Transaction = S::Transaction;

    async fn begin(&self) -> Result<S::Transaction, StoreError> {
        linger(Amid::Before, self.table).await;
        self.base.begin().await
    }

    async fn move_in(
        &self,
        transaction: &mut S::Transaction,
        reader: &str,
        from: Option<Position>,
        to: Option<Position>,
        fence: u64,
    ) -> Result<bool, StoreError> {
        if self.sabotage == Some(Sabotage::CheckpointFirst) {
            return self.kept()?.put(reader, to, fence).await;
        }
        let stolen = self.stolen(reader).await?;
        let (from, fence) = stolen.map_or((from, fence), |kept| (kept.position, kept.fence));
        self.base.move_in(transaction, reader, from, to, fence).await
    }

    async fn park_in(
        &self,
        transaction: &mut S::Transaction,
        reader: &str,
        event: &ParkedEvent,
    ) -> Result<(), StoreError> {
        self.base.park_in(transaction, reader, event).await
    }

    async fn unpark_in(
        &self,
        transaction: &mut S::Transaction,
        reader: &str,
        position: Position,
    ) -> Result<bool, StoreError> {
        self.base.unpark_in(transaction, reader, position).await
    }

    async fn commit(&self, transaction: S::Transaction) -> Result<(), StoreError> {
        self.base.commit(transaction).await
    }
}

#[async_trait]
impl<S: Store> Store for Seen<S> {
    async fn append(&self, stream: &StreamId, event: NewEvent) -> Result<Option<Position>, AppendError> {
        self.base.append(stream, event).await
    }

    async fn read_from(&self, stream: &StreamId, from: Version) -> Result<Vec<StoredEvent>, StoreError> {
        self.base.read_from(stream, from).await
    }

    async fn read_range(&self, stream: &StreamId, from: Version, count: usize) -> Result<Vec<StoredEvent>, StoreError> {
        self.base.read_range(stream, from, count).await
    }

    async fn count(&self, stream: &StreamId, from: Version) -> Result<u64, StoreError> {
        Store::count(&self.base, stream, from).await
    }

    async fn delete(&self, stream: &StreamId) -> Result<(), StoreError> {
        Store::delete(&self.base, stream).await
    }

    fn log(&self) -> Option<&dyn EventLog> {
        self.base.log()
    }

    fn checkpoints(&self) -> Option<&dyn Checkpoints> {
        Some(self)
    }

    fn leases(&self) -> Option<&dyn Leases> {
        self.base.leases()
    }

    fn parking(&self) -> Option<&dyn Parking> {
        self.base.parking()
    }
}
