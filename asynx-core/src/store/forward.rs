use std::sync::Arc;

use async_trait::async_trait;

use super::{
    AppendError, AppendGroup, Checkpoints, Erase, EventLog, GroupOutcome, Head, HeadQuery, Leases, Load, Loaded,
    NewEvent, Parking, SnapshotStore, SoleWriter, Store, StoreError, StoredEvent,
};
use crate::{Position, StreamId, Version};

/// A shared store is a store.
#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<S: Store + ?Sized> Store for Arc<S> {
    async fn append(&self, stream: &StreamId, event: NewEvent) -> Result<Option<Position>, AppendError> {
        (**self).append(stream, event).await
    }

    async fn read_from(&self, stream: &StreamId, from: Version) -> Result<Vec<StoredEvent>, StoreError> {
        (**self).read_from(stream, from).await
    }

    async fn read_range(&self, stream: &StreamId, from: Version, count: usize) -> Result<Vec<StoredEvent>, StoreError> {
        (**self).read_range(stream, from, count).await
    }

    async fn count(&self, stream: &StreamId, from: Version) -> Result<u64, StoreError> {
        (**self).count(stream, from).await
    }

    async fn delete(&self, stream: &StreamId) -> Result<(), StoreError> {
        (**self).delete(stream).await
    }

    async fn append_batch(&self, groups: &[AppendGroup]) -> Vec<GroupOutcome> {
        (**self).append_batch(groups).await
    }

    async fn heads(&self, queries: &[HeadQuery]) -> Result<Vec<Head>, StoreError> {
        (**self).heads(queries).await
    }

    async fn load(&self, loads: &[Load]) -> Result<Vec<Loaded>, StoreError> {
        (**self).load(loads).await
    }

    fn unique_event_ids(&self) -> bool {
        (**self).unique_event_ids()
    }

    fn coalesces_appends(&self) -> bool {
        (**self).coalesces_appends()
    }

    fn snapshots(&self) -> Option<&dyn SnapshotStore> {
        (**self).snapshots()
    }

    fn log(&self) -> Option<&dyn EventLog> {
        (**self).log()
    }

    fn erase(&self) -> Option<&dyn Erase> {
        (**self).erase()
    }

    fn sole_writer(&self) -> Option<&dyn SoleWriter> {
        (**self).sole_writer()
    }

    fn checkpoints(&self) -> Option<&dyn Checkpoints> {
        (**self).checkpoints()
    }

    fn leases(&self) -> Option<&dyn Leases> {
        (**self).leases()
    }

    fn parking(&self) -> Option<&dyn Parking> {
        (**self).parking()
    }
}
