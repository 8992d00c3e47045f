use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use asynx_core::store::{
    AppendError, AppendGroup, Checkpoint, Checkpoints, Erase, EventLog, GroupOutcome, Head, HeadQuery, HeldLease,
    Leases, Load, Loaded, LogFilter, LogPage, LogQuery, NewEvent, ParkedEvent, Parking, SnapshotStore, SoleWriter,
    StoredEvent,
};
use asynx_core::{Position, Store, StoreError, StreamId, Timestamp, Version};
use futures::future::BoxFuture;

use crate::lifecycle::{checkpoints, parking};
use crate::limits::Limits;

/// A store whose every answer to a reader of its log comes in time, if only to say that there is none.
pub(crate) struct Bounded {
    pub(crate) base: Arc<dyn Store>,
    pub(crate) limits: Limits,
}

impl Bounded {
    fn the_log(&self) -> Result<&dyn EventLog, StoreError> {
        let log = self.base.log();
        log.ok_or_else(|| StoreError::permanent("the store has no log"))
    }

    fn the_leases(&self) -> Result<&dyn Leases, StoreError> {
        let leases = self.base.leases();
        leases.ok_or_else(|| StoreError::permanent("the store has no leases"))
    }
}

#[async_trait]
impl EventLog for Bounded {
    async fn read(&self, query: &LogQuery) -> Result<LogPage, StoreError> {
        self.limits.store(self.the_log()?.read(query)).await
    }

    async fn end(&self) -> Result<Option<Position>, StoreError> {
        self.limits.store(self.the_log()?.end()).await
    }

    async fn count(&self, after: Option<Position>, filter: &LogFilter, most: u64) -> Result<u64, StoreError> {
        self.limits.store(self.the_log()?.count(after, filter, most)).await
    }

    fn changed(&self, after: Option<Position>) -> BoxFuture<'static, ()> {
        match self.base.log() {
            Some(log) => log.changed(after),
            None => Box::pin(std::future::pending()),
        }
    }
}

#[async_trait]
impl Checkpoints for Bounded {
    async fn get(&self, reader: &str) -> Result<Option<Checkpoint>, StoreError> {
        self.limits.store(checkpoints(&self.base)?.get(reader)).await
    }

    async fn claim(&self, reader: &str) -> Result<Checkpoint, StoreError> {
        self.limits.store(checkpoints(&self.base)?.claim(reader)).await
    }

    async fn put(&self, reader: &str, position: Option<Position>, fence: u64) -> Result<bool, StoreError> {
        let put = checkpoints(&self.base)?.put(reader, position, fence);
        self.limits.store(put).await
    }

    async fn remove(&self, reader: &str, fence: u64) -> Result<bool, StoreError> {
        self.limits.store(checkpoints(&self.base)?.remove(reader, fence)).await
    }
}

#[async_trait]
impl Leases for Bounded {
    async fn acquire(
        &self,
        name: &str,
        holder: &str,
        time: Duration,
        now: Timestamp,
    ) -> Result<Option<u64>, StoreError> {
        let acquire = self.the_leases()?.acquire(name, holder, time, now);
        self.limits.store(acquire).await
    }

    async fn renew(&self, name: &str, token: u64, time: Duration, now: Timestamp) -> Result<bool, StoreError> {
        let renew = self.the_leases()?.renew(name, token, time, now);
        self.limits.store(renew).await
    }

    async fn release(&self, name: &str, token: u64) -> Result<bool, StoreError> {
        self.limits.store(self.the_leases()?.release(name, token)).await
    }

    async fn held(&self, prefix: &str, now: Timestamp) -> Result<Vec<HeldLease>, StoreError> {
        self.limits.store(self.the_leases()?.held(prefix, now)).await
    }
}

#[async_trait]
impl Parking for Bounded {
    async fn park(&self, reader: &str, event: &ParkedEvent) -> Result<(), StoreError> {
        self.limits.store(parking(&self.base)?.park(reader, event)).await
    }

    async fn parked(
        &self,
        reader: &str,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<ParkedEvent>, StoreError> {
        let parked = parking(&self.base)?.parked(reader, after, limit);
        self.limits.store(parked).await
    }

    async fn unpark(&self, reader: &str, position: Position) -> Result<bool, StoreError> {
        self.limits.store(parking(&self.base)?.unpark(reader, position)).await
    }
}

/// What reads is bounded, for decoders. Nothing here writes events.
#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Store for Bounded {
    async fn append(&self, stream: &StreamId, event: NewEvent) -> Result<Option<Position>, AppendError> {
        self.base.append(stream, event).await
    }

    async fn read_from(&self, stream: &StreamId, from: Version) -> Result<Vec<StoredEvent>, StoreError> {
        self.limits.store(self.base.read_from(stream, from)).await
    }

    async fn read_range(&self, stream: &StreamId, from: Version, count: usize) -> Result<Vec<StoredEvent>, StoreError> {
        self.limits.store(self.base.read_range(stream, from, count)).await
    }

    async fn count(&self, stream: &StreamId, from: Version) -> Result<u64, StoreError> {
        self.limits.store(self.base.count(stream, from)).await
    }

    async fn delete(&self, stream: &StreamId) -> Result<(), StoreError> {
        self.base.delete(stream).await
    }

    async fn append_batch(&self, groups: &[AppendGroup]) -> Vec<GroupOutcome> {
        self.base.append_batch(groups).await
    }

    async fn heads(&self, queries: &[HeadQuery]) -> Result<Vec<Head>, StoreError> {
        self.limits.store(self.base.heads(queries)).await
    }

    async fn load(&self, loads: &[Load]) -> Result<Vec<Loaded>, StoreError> {
        self.limits.store(self.base.load(loads)).await
    }

    fn unique_event_ids(&self) -> bool {
        self.base.unique_event_ids()
    }

    fn coalesces_appends(&self) -> bool {
        self.base.coalesces_appends()
    }

    fn snapshots(&self) -> Option<&dyn SnapshotStore> {
        self.base.snapshots()
    }

    fn log(&self) -> Option<&dyn EventLog> {
        self.base.log().map(|_| self as &dyn EventLog)
    }

    fn erase(&self) -> Option<&dyn Erase> {
        self.base.erase()
    }

    fn sole_writer(&self) -> Option<&dyn SoleWriter> {
        self.base.sole_writer()
    }

    fn checkpoints(&self) -> Option<&dyn Checkpoints> {
        self.base.checkpoints().map(|_| self as &dyn Checkpoints)
    }

    fn leases(&self) -> Option<&dyn Leases> {
        self.base.leases().map(|_| self as &dyn Leases)
    }

    fn parking(&self) -> Option<&dyn Parking> {
        self.base.parking().map(|_| self as &dyn Parking)
    }
}
