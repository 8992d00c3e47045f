use asynx_core::store::{FoundEvent, Head, HeadQuery, Load, Loaded, StoredEvent};
use asynx_core::{EventId, StreamId, Version};

use crate::data::{Data, position};
use crate::stream::{Row, Stream};

impl Data {
    /// At most `count` events at or above a version (S7, S8).
    pub(crate) fn read(&self, stream: &StreamId, from: Version, count: usize) -> Vec<StoredEvent> {
        let Some(stream) = self.streams.get(stream) else {
            return Vec::new();
        };
        stored(stream.readable_from(from), count)
    }

    /// The number of events at or above a version (S8).
    pub(crate) fn count(&self, stream: &StreamId, from: Version) -> u64 {
        let stream = self.streams.get(stream);
        stream.map_or(0, |stream| stream.readable_from(from).len() as u64)
    }

    /// How far a stream has come, and the event that was looked up (S13).
    pub(crate) fn head(&self, query: &HeadQuery) -> Head {
        let Some(stream) = self.streams.get(&query.stream) else {
            return Head::default();
        };
        Head {
            version: stream.head,
            floor: stream.floor,
            erasing: stream.is_erasing(),
            found: query.event_id.and_then(|event_id| stream.find(event_id)),
        }
    }

    /// The present life of a stream (S14).
    pub(crate) fn load(&self, load: &Load) -> Loaded {
        let Some(stream) = self.streams.get(&load.stream) else {
            return Loaded::default();
        };
        let snapshot = match (load.from, load.snapshot) {
            (None, Some(schema)) => stream.snapshots.get(&schema),
            _ => None,
        };
        let snapshot = snapshot.filter(|snapshot| Some(snapshot.version) > stream.floor);
        let wanted = match (load.from, snapshot) {
            (Some(from), _) => from,
            (None, Some(snapshot)) => snapshot.version.next(),
            (None, None) => Version::FIRST,
        };
        let living = stream.readable_from(wanted.max(Version::after(stream.floor)));
        Loaded {
            head: stream.head,
            floor: stream.floor,
            snapshot: snapshot.cloned(),
            events: stored(living, load.limit),
            more: living.len() > load.limit,
        }
    }
}

impl Stream {
    fn find(&self, event_id: EventId) -> Option<FoundEvent> {
        let row = self.row(*self.ids.get(&event_id)?)?;
        Some(FoundEvent {
            version: row.version,
            position: Some(position(row.position)),
            record: row.record.clone(),
        })
    }
}

fn stored(rows: &[Row], count: usize) -> Vec<StoredEvent> {
    rows.iter().take(count).filter_map(Row::stored).collect()
}
