use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use async_trait::async_trait;
use asynx_core::store::{
    AppendError, AppendGroup, Checkpoints, Erase, EventLog, GroupOutcome, Head, HeadQuery, Leases, Load, Loaded,
    NewEvent, Parking, SnapshotStore, SoleWriter, StoredEvent,
};
use asynx_core::{Position, Store, StoreError, StreamId, Version};
use futures::future::join_all;
use tokio::sync::Semaphore;

use crate::follow::Follower;
use crate::head::Chain;
use crate::journal::Journal;
use crate::known::Known;
use crate::names::Names;
use crate::snapshots::Index;

/// Events in NATS JetStream. Cheap to clone; clones share their connection.
#[derive(Clone)]
pub struct JetStreamStore {
    pub(crate) shared: Arc<Shared>,
}

pub(crate) struct Shared {
    pub(crate) names: Names,
    /// Events, in one order.
    pub(crate) events: Journal,
    /// Snapshots, checkpoints, leases, parked events: a key-value bucket.
    pub(crate) state: Journal,
    pub(crate) chains: Known<Chain>,
    pub(crate) indexes: Known<(u64, Arc<Index>)>,
    /// The batches that may be under way.
    pub(crate) batches: Semaphore,
    pub(crate) follower: Follower,
    /// Whether rows of erased events were ever seen.
    pub(crate) has_rows: AtomicBool,
}

impl fmt::Debug for JetStreamStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JetStreamStore")
            .field("stream", &self.shared.events.name)
            .field("replicated", &self.shared.events.replicated)
            .finish_non_exhaustive()
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Store for JetStreamStore {
    async fn append(&self, stream: &StreamId, event: NewEvent) -> Result<Option<Position>, AppendError> {
        let mut outcome = self.shared.append_group(stream, &[event]).await;
        match outcome.stopped {
            Some(reason) => Err(reason),
            None => Ok(outcome.applied.pop().flatten()),
        }
    }

    async fn read_from(&self, stream: &StreamId, from: Version) -> Result<Vec<StoredEvent>, StoreError> {
        self.shared.read(stream, from, usize::MAX).await
    }

    async fn read_range(&self, stream: &StreamId, from: Version, count: usize) -> Result<Vec<StoredEvent>, StoreError> {
        self.shared.read(stream, from, count).await
    }

    async fn count(&self, stream: &StreamId, from: Version) -> Result<u64, StoreError> {
        let chain = self.shared.chain(stream).await?;
        let newest = chain.version.map_or(0, Version::get);
        let gone = chain.erased.map_or(0, Version::get).max(from.get() - 1);
        Ok(newest.saturating_sub(gone))
    }

    async fn delete(&self, stream: &StreamId) -> Result<(), StoreError> {
        self.shared.delete(stream).await
    }

    async fn append_batch(&self, groups: &[AppendGroup]) -> Vec<GroupOutcome> {
        // What a look tells of all at once need not be asked one by one.
        self.shared.look_ahead(groups).await;
        let appends = groups
            .iter()
            .map(|group| self.shared.append_group(&group.stream, &group.events));
        join_all(appends).await
    }

    async fn heads(&self, queries: &[HeadQuery]) -> Result<Vec<Head>, StoreError> {
        self.shared.heads(queries).await
    }

    async fn load(&self, loads: &[Load]) -> Result<Vec<Loaded>, StoreError> {
        self.shared.load(loads).await
    }

    fn unique_event_ids(&self) -> bool {
        false
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
        None
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
        // Each is a message of its own, and waits for none before it.
        true
    }
}
