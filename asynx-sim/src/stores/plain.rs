use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use asynx_core::store::{AppendError, NewEvent, StoredEvent};
use asynx_core::{Position, Store, StoreError, StreamId, Version};
use bytes::Bytes;

/// The least that a store can be: five methods, no look at event ids, no capability.
#[derive(Default)]
pub(crate) struct PlainStore(Mutex<Streams>);

type Streams = BTreeMap<(String, String), Vec<Bytes>>;

impl PlainStore {
    fn lock(&self) -> MutexGuard<'_, Streams> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self, stream: &StreamId, from: Version, count: usize) -> Vec<StoredEvent> {
        let streams = self.lock();
        let rows = streams.get(&key(stream)).into_iter().flatten().zip(1..);
        let rows = rows.filter(|(_, version)| *version >= from.get()).take(count);
        let stored = rows.filter_map(|(record, version)| {
            Some(StoredEvent {
                version: Version::new(version)?,
                position: None,
                record: record.clone(),
            })
        });
        stored.collect()
    }
}

fn key(stream: &StreamId) -> (String, String) {
    (stream.category.to_string(), stream.aggregate_id.to_string())
}

#[async_trait]
impl Store for PlainStore {
    async fn append(&self, stream: &StreamId, event: NewEvent) -> Result<Option<Position>, AppendError> {
        let mut streams = self.lock();
        let rows = streams.entry(key(stream)).or_default();
        if event.version.get() != rows.len() as u64 + 1 {
            return Err(AppendError::Conflict);
        }
        rows.push(event.record);
        Ok(None)
    }

    async fn read_from(&self, stream: &StreamId, from: Version) -> Result<Vec<StoredEvent>, StoreError> {
        Ok(self.read(stream, from, usize::MAX))
    }

    async fn read_range(&self, stream: &StreamId, from: Version, count: usize) -> Result<Vec<StoredEvent>, StoreError> {
        Ok(self.read(stream, from, count))
    }

    async fn count(&self, stream: &StreamId, from: Version) -> Result<u64, StoreError> {
        Ok(self.read(stream, from, usize::MAX).len() as u64)
    }

    async fn delete(&self, stream: &StreamId) -> Result<(), StoreError> {
        self.lock().remove(&key(stream));
        Ok(())
    }
}
