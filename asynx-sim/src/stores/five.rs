use async_trait::async_trait;
use asynx_core::store::{AppendError, NewEvent, StoredEvent};
use asynx_core::{Position, Store, StoreError, StreamId, Version};

/// Shows five methods of a store and hides the rest: the trait's own methods on top of them are used, and faults
/// happen between their parts.
pub(crate) struct FiveMethods<S>(pub(crate) S);

#[async_trait]
impl<S: Store> Store for FiveMethods<S> {
    async fn append(&self, stream: &StreamId, event: NewEvent) -> Result<Option<Position>, AppendError> {
        self.0.append(stream, event).await
    }

    async fn read_from(&self, stream: &StreamId, from: Version) -> Result<Vec<StoredEvent>, StoreError> {
        self.0.read_from(stream, from).await
    }

    async fn read_range(&self, stream: &StreamId, from: Version, count: usize) -> Result<Vec<StoredEvent>, StoreError> {
        self.0.read_range(stream, from, count).await
    }

    async fn count(&self, stream: &StreamId, from: Version) -> Result<u64, StoreError> {
        self.0.count(stream, from).await
    }

    async fn delete(&self, stream: &StreamId) -> Result<(), StoreError> {
        self.0.delete(stream).await
    }
}
