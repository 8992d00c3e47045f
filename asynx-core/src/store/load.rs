use bytes::Bytes;

use super::{Snapshot, Store, StoreError};
use crate::{Position, SchemaVersion, StreamId, Version};

/// One event as it was stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredEvent {
    /// Its place in the stream.
    pub version: Version,
    /// Its place in the log, where the store has one.
    pub position: Option<Position>,
    /// The bytes that were appended.
    pub record: Bytes,
}

/// Asks for the present life of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// The stream.
    pub stream: StreamId,
    /// Begin here. `None`: after the snapshot where one is wanted and there, else after the floor.
    pub from: Option<Version>,
    /// The schema whose snapshot is wanted, from the store's own [`snapshots`](Store::snapshots).
    pub snapshot: Option<SchemaVersion>,
    /// The most events to give.
    pub limit: usize,
}

/// The present life of a stream, or a page of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Loaded {
    /// The newest version of the stream.
    pub head: Option<Version>,
    /// The newest tombstone.
    pub floor: Option<Version>,
    /// The snapshot that the events follow on.
    pub snapshot: Option<Snapshot>,
    /// The events, all above the floor.
    pub events: Vec<StoredEvent>,
    /// Whether events after these were left out.
    pub more: bool,
}

pub(super) async fn one_by_one<S: Store + ?Sized>(store: &S, loads: &[Load]) -> Result<Vec<Loaded>, StoreError> {
    let mut all = Vec::with_capacity(loads.len());
    for load in loads {
        let snapshot = match (load.from, load.snapshot, store.snapshots()) {
            (None, Some(schema), Some(snapshots)) => snapshots.get(&load.stream, schema).await?,
            _ => None,
        };
        let from = load
            .from
            .or_else(|| snapshot.as_ref().map(|snapshot| snapshot.version.next()))
            .unwrap_or(Version::FIRST);
        // Counted first, so that the head is never newer than the events.
        let counted = Version::new(store.count(&load.stream, Version::FIRST).await?);
        let mut events = store
            .read_range(&load.stream, from, load.limit.saturating_add(1))
            .await?;
        let more = events.len() > load.limit;
        events.truncate(load.limit);
        let head = counted.max(events.last().map(|last| last.version));
        all.push(Loaded {
            head,
            floor: None,
            snapshot,
            events,
            more,
        });
    }
    Ok(all)
}
