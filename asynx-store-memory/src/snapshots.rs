use async_trait::async_trait;
use asynx_core::store::{Snapshot, SnapshotStore};
use asynx_core::{SchemaVersion, StoreError, StreamId, Version};

use crate::MemoryStore;
use crate::data::stream_of;
use crate::stream::Stream;

#[async_trait]
impl SnapshotStore for MemoryStore {
    async fn put(&self, stream: &StreamId, snapshot: Snapshot) -> Result<(), StoreError> {
        let mut data = self.lock();
        stream_of(&mut data.streams, stream).put(snapshot);
        Ok(())
    }

    async fn get(&self, stream: &StreamId, schema_version: SchemaVersion) -> Result<Option<Snapshot>, StoreError> {
        let data = self.lock();
        let stream = data.streams.get(stream);
        Ok(stream.and_then(|stream| stream.snapshots.get(&schema_version).cloned()))
    }

    async fn delete_through(&self, stream: &StreamId, through: Version) -> Result<(), StoreError> {
        let mut data = self.lock();
        stream_of(&mut data.streams, stream).delete_snapshots(through);
        Ok(())
    }
}

impl Stream {
    /// Keeps a snapshot unless a newer one is there (N1) or it may not come back (N3).
    fn put(&mut self, snapshot: Snapshot) {
        let kept = self.snapshots.get(&snapshot.schema_version);
        let newest = kept.map(|kept| kept.version);
        if Some(snapshot.version) >= newest && Some(snapshot.version) > self.fence {
            self.snapshots.insert(snapshot.schema_version, snapshot);
        }
    }

    /// Removes the snapshots at or below a version, for good (N3).
    pub(crate) fn delete_snapshots(&mut self, through: Version) {
        self.snapshots.retain(|_, snapshot| snapshot.version > through);
        self.fence = self.fence.max(Some(through));
    }
}
