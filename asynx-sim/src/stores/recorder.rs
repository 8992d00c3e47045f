use std::sync::Arc;

use async_trait::async_trait;
use asynx_core::store::{
    AppendError, AppendGroup, Checkpoints, Erase, EventLog, GroupOutcome, Head, HeadQuery, Leases, Load, Loaded,
    NewEvent, Parking, SnapshotStore, SoleWriter, StoredEvent,
};
use asynx_core::{Position, Record, Store, StoreError, StreamId, Version};

use crate::history::{Commit, History};

/// The shared store as one life of a process sees it: what it takes is recorded at that moment.
pub(crate) struct Recorder {
    pub(crate) base: Arc<dyn Store>,
    pub(crate) history: History,
    pub(crate) life: usize,
    /// Whether the store may tell that it looks at event ids, and give snapshots.
    pub(crate) shows_unique_ids: bool,
    pub(crate) shows_snapshots: bool,
}

impl Recorder {
    fn record(&self, stream: &StreamId, event: &NewEvent) {
        let record = Record::decode(&event.record).ok();
        let attempt = record.and_then(|record| record.metadata.extra.get("attempt")?.parse().ok());
        self.history.commit(Commit {
            tick: 0,
            life: self.life,
            ledger: stream.aggregate_id.to_string(),
            version: event.version.get(),
            event_id: event.event_id,
            name: event.event_name.to_string(),
            attempt,
        });
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Store for Recorder {
    async fn append(&self, stream: &StreamId, event: NewEvent) -> Result<Option<Position>, AppendError> {
        let position = self.base.append(stream, event.clone()).await?;
        self.record(stream, &event);
        Ok(position)
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
        let outcomes = self.base.append_batch(groups).await;
        for (group, outcome) in groups.iter().zip(&outcomes) {
            for event in &group.events[..outcome.applied.len()] {
                self.record(&group.stream, event);
            }
        }
        outcomes
    }

    async fn heads(&self, queries: &[HeadQuery]) -> Result<Vec<Head>, StoreError> {
        self.base.heads(queries).await
    }

    async fn load(&self, loads: &[Load]) -> Result<Vec<Loaded>, StoreError> {
        self.base.load(loads).await
    }

    fn unique_event_ids(&self) -> bool {
        self.shows_unique_ids && self.base.unique_event_ids()
    }

    fn coalesces_appends(&self) -> bool {
        self.base.coalesces_appends()
    }

    fn snapshots(&self) -> Option<&dyn SnapshotStore> {
        self.base.snapshots().filter(|_| self.shows_snapshots)
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
