use std::collections::BTreeMap;
use std::sync::Arc;

use asynx_core::store::{NewEvent, Snapshot, StoredEvent};
use asynx_core::{EventId, EventName, SchemaVersion, StreamId, Timestamp, Version};
use bytes::Bytes;
use foldhash::HashMap;

use crate::data::position;

/// One stream.
pub(crate) struct Stream {
    pub(crate) id: Arc<StreamId>,
    /// The newest version ever appended. Never falls, also when the rows are gone.
    pub(crate) head: Option<Version>,
    /// The newest tombstone.
    pub(crate) floor: Option<Version>,
    /// Up to where everything was erased.
    pub(crate) erased: Option<Version>,
    /// The events in version order without gaps, up to the head. Those before the first row were erased wholly.
    pub(crate) rows: Vec<Row>,
    /// The version of each event id that must not come again.
    pub(crate) ids: HashMap<EventId, Version>,
    /// The newest snapshot of each schema.
    pub(crate) snapshots: BTreeMap<SchemaVersion, Snapshot>,
    /// No snapshot at or below this version is taken any more.
    pub(crate) fence: Option<Version>,
}

/// One event.
pub(crate) struct Row {
    pub(crate) version: Version,
    pub(crate) position: u64,
    pub(crate) event_id: EventId,
    pub(crate) event_name: EventName,
    pub(crate) occurred_at: Timestamp,
    /// `None` once it was erased.
    pub(crate) record: Option<Bytes>,
}

impl Stream {
    pub(crate) fn new(id: &StreamId) -> Self {
        Self {
            id: Arc::new(id.clone()),
            head: None,
            floor: None,
            erased: None,
            rows: Vec::new(),
            ids: HashMap::default(),
            snapshots: BTreeMap::new(),
            fence: None,
        }
    }

    /// Whether the erasure that the floor asks for is still to be done.
    pub(crate) fn is_erasing(&self) -> bool {
        self.floor > self.erased
    }

    /// Adds an event at the head. A tombstone ends the life so far (E1).
    pub(crate) fn push(&mut self, event: &NewEvent, position: u64) {
        self.head = Some(event.version);
        if event.event_name.is_tombstone() {
            self.floor = Some(event.version);
        }
        self.ids.insert(event.event_id, event.version);
        self.rows.push(Row {
            version: event.version,
            position,
            event_id: event.event_id,
            event_name: event.event_name.clone(),
            occurred_at: event.occurred_at,
            record: Some(event.record.clone()),
        });
    }

    pub(crate) fn row(&self, version: Version) -> Option<&Row> {
        self.rows_from(version).first().filter(|row| row.version == version)
    }

    /// The rows at or above a version.
    pub(crate) fn rows_from(&self, from: Version) -> &[Row] {
        &self.rows[self.index_of(from)..]
    }

    /// Where in the rows a version is, or what follows on it.
    pub(crate) fn index_of(&self, version: Version) -> usize {
        let Some(first) = self.rows.first() else {
            return 0;
        };
        let before = version.get().saturating_sub(first.version.get());
        usize::try_from(before).map_or(self.rows.len(), |before| before.min(self.rows.len()))
    }

    /// The events that can be read at or above a version. Erased ones are at the front, so this is a slice of the
    /// rows.
    pub(crate) fn readable_from(&self, from: Version) -> &[Row] {
        match self.erased {
            Some(erased) if erased >= from => self.rows_from(erased.next()),
            _ => self.rows_from(from),
        }
    }
}

impl Row {
    /// The event as reads give it; `None` where its bytes were erased.
    pub(crate) fn stored(&self) -> Option<StoredEvent> {
        Some(StoredEvent {
            version: self.version,
            position: Some(position(self.position)),
            record: self.record.clone()?,
        })
    }
}
