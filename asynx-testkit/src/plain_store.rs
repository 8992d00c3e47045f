use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use asynx_core::store::{AppendError, NewEvent, StoredEvent};
use asynx_core::{Position, Store, StoreError, StreamId, Version};
use bytes::Bytes;

/// The least that a store can be: five methods, records in memory, no look at event ids, no capability. Clones share
/// their data.
#[derive(Debug, Clone, Default)]
pub struct PlainStore(Arc<Mutex<Streams>>);

type Streams = BTreeMap<StreamId, Vec<Bytes>>;

impl PlainStore {
    fn lock(&self) -> MutexGuard<'_, Streams> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Store for PlainStore {
    async fn append(&self, stream: &StreamId, event: NewEvent) -> Result<Option<Position>, AppendError> {
        let mut streams = self.lock();
        let known = streams.get(stream).map_or(0, Vec::len);
        if event.version.get() != known as u64 + 1 {
            return Err(AppendError::Conflict);
        }
        streams.entry(stream.clone()).or_default().push(event.record);
        Ok(None)
    }

    async fn read_from(&self, stream: &StreamId, from: Version) -> Result<Vec<StoredEvent>, StoreError> {
        self.read_range(stream, from, usize::MAX).await
    }

    async fn read_range(&self, stream: &StreamId, from: Version, count: usize) -> Result<Vec<StoredEvent>, StoreError> {
        let streams = self.lock();
        let records = streams.get(stream).into_iter().flatten();
        let versions = (1..).filter_map(Version::new);
        let events = versions.zip(records).map(|(version, record)| StoredEvent {
            version,
            position: None,
            record: record.clone(),
        });
        Ok(events.filter(|event| event.version >= from).take(count).collect())
    }

    async fn count(&self, stream: &StreamId, from: Version) -> Result<u64, StoreError> {
        Ok(self.read_from(stream, from).await?.len() as u64)
    }

    async fn delete(&self, stream: &StreamId) -> Result<(), StoreError> {
        self.lock().remove(stream);
        Ok(())
    }
}
