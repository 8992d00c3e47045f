use std::sync::Arc;

use async_trait::async_trait;
use asynx_core::store::{
    AppendError, AppendGroup, Checkpoints, Erase, EventLog, GroupOutcome, Head, HeadQuery, Leases, Load, Loaded,
    NewEvent, Parking, SnapshotStore, SoleWriter, StoredEvent,
};
use asynx_core::{Position, Runtime, Store, StoreError, StreamId, Version};
use asynx_lanes::{LaneOptions, Lanes};

/// A store that appends through lanes, as those on disks and servers do.
pub(crate) struct Laned {
    base: Arc<dyn Store>,
    lanes: Lanes,
}

impl Laned {
    pub(crate) fn new(base: Arc<dyn Store>, runtime: Arc<dyn Runtime>, options: LaneOptions) -> Self {
        let appending = Arc::clone(&base);
        let lanes = Lanes::new(runtime, options, move |groups| {
            let store = Arc::clone(&appending);
            Box::pin(async move { store.append_batch(&groups).await })
        });
        Self { base, lanes }
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Store for Laned {
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
        self.base.count(stream, from).await
    }

    async fn delete(&self, stream: &StreamId) -> Result<(), StoreError> {
        self.base.delete(stream).await
    }

    async fn append_batch(&self, groups: &[AppendGroup]) -> Vec<GroupOutcome> {
        self.lanes.append(groups.to_vec()).await
    }

    async fn heads(&self, queries: &[HeadQuery]) -> Result<Vec<Head>, StoreError> {
        self.base.heads(queries).await
    }

    async fn load(&self, loads: &[Load]) -> Result<Vec<Loaded>, StoreError> {
        self.base.load(loads).await
    }

    fn unique_event_ids(&self) -> bool {
        self.base.unique_event_ids()
    }

    fn coalesces_appends(&self) -> bool {
        true
    }

    fn snapshots(&self) -> Option<&dyn SnapshotStore> {
        self.base.snapshots()
    }

    fn log(&self) -> Option<&dyn EventLog> {
        self.base.log()
    }

    fn erase(&self) -> Option<&dyn Erase> {
        self.base.erase()
    }

    fn sole_writer(&self) -> Option<&dyn SoleWriter> {
        self.base.sole_writer()
    }

    fn checkpoints(&self) -> Option<&dyn Checkpoints> {
        self.base.checkpoints()
    }

    fn leases(&self) -> Option<&dyn Leases> {
        self.base.leases()
    }

    fn parking(&self) -> Option<&dyn Parking> {
        self.base.parking()
    }
}
