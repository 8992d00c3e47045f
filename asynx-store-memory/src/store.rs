use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use asynx_core::store::{
    AppendError, AppendGroup, Checkpoints, Erase, EventLog, GroupOutcome, Head, HeadQuery, Leases, Load, Loaded,
    NewEvent, Parking, SnapshotStore, SoleWriter, StoredEvent,
};
use asynx_core::{Position, Store, StoreError, StreamId, Version};

use crate::data::Data;

/// A store in memory. Cloning is cheap and gives the same data.
///
/// ```
/// use asynx_core::Store;
/// use asynx_store_memory::MemoryStore;
///
/// let store = MemoryStore::new();
/// assert!(store.log().is_some() && store.erase().is_some());
/// ```
///
/// # Cancel safety
/// No call of it ever waits: each happens wholly when its future is first polled.
#[derive(Clone, Default)]
pub struct MemoryStore(Arc<Mutex<Data>>);

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A panic under the lock would be a bug of this crate; the data are whole all the same, since nothing in here
    /// calls foreign code.
    pub(crate) fn lock(&self) -> MutexGuard<'_, Data> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let data = self.lock();
        f.debug_struct("MemoryStore")
            .field("streams", &data.streams.len())
            .field("events", &data.log.iter().flatten().count())
            .finish_non_exhaustive()
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Store for MemoryStore {
    async fn append(&self, stream: &StreamId, event: NewEvent) -> Result<Option<Position>, AppendError> {
        let positions = self.appending(|data| data.append(stream, &[event]))?;
        Ok(positions.into_iter().next().flatten())
    }

    async fn read_from(&self, stream: &StreamId, from: Version) -> Result<Vec<StoredEvent>, StoreError> {
        Ok(self.lock().read(stream, from, usize::MAX))
    }

    async fn read_range(&self, stream: &StreamId, from: Version, count: usize) -> Result<Vec<StoredEvent>, StoreError> {
        Ok(self.lock().read(stream, from, count))
    }

    async fn count(&self, stream: &StreamId, from: Version) -> Result<u64, StoreError> {
        Ok(self.lock().count(stream, from))
    }

    async fn delete(&self, stream: &StreamId) -> Result<(), StoreError> {
        self.lock().delete(stream);
        Ok(())
    }

    async fn append_batch(&self, groups: &[AppendGroup]) -> Vec<GroupOutcome> {
        self.appending(|data| {
            let outcomes = groups.iter().map(|group| data.append(&group.stream, &group.events));
            let outcomes = outcomes.map(|outcome| match outcome {
                Ok(applied) => GroupOutcome { applied, stopped: None },
                Err(reason) => GroupOutcome::none(reason),
            });
            outcomes.collect()
        })
    }

    async fn heads(&self, queries: &[HeadQuery]) -> Result<Vec<Head>, StoreError> {
        let data = self.lock();
        Ok(queries.iter().map(|query| data.head(query)).collect())
    }

    async fn load(&self, loads: &[Load]) -> Result<Vec<Loaded>, StoreError> {
        let data = self.lock();
        Ok(loads.iter().map(|load| data.load(load)).collect())
    }

    fn unique_event_ids(&self) -> bool {
        true
    }

    fn snapshots(&self) -> Option<&dyn SnapshotStore> {
        Some(self)
    }

    fn log(&self) -> Option<&dyn EventLog> {
        Some(self)
    }

    fn erase(&self) -> Option<&dyn Erase> {
        Some(self)
    }

    fn sole_writer(&self) -> Option<&dyn SoleWriter> {
        Some(self)
    }

    fn checkpoints(&self) -> Option<&dyn Checkpoints> {
        Some(self)
    }

    fn leases(&self) -> Option<&dyn Leases> {
        Some(self)
    }

    fn parking(&self) -> Option<&dyn Parking> {
        Some(self)
    }

    fn coalesces_appends(&self) -> bool {
        // An append is over at once.
        false
    }
}
