use bytes::Bytes;

use super::{Store, StoreError};
use crate::{EventId, Position, Record, StreamId, Version};

/// Asks for the head of a stream, and whether it has an event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadQuery {
    /// The stream.
    pub stream: StreamId,
    /// An event id to look up in the stream.
    pub event_id: Option<EventId>,
}

/// How far a stream has come.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Head {
    /// The newest version; `None` where the stream has never had an event.
    pub version: Option<Version>,
    /// The newest tombstone: the present life begins after it.
    pub floor: Option<Version>,
    /// Whether the erasure that the floor asks for is still to be done.
    pub erasing: bool,
    /// The event that was looked up, where the stream has it.
    pub found: Option<FoundEvent>,
}

impl Head {
    /// The version of the living aggregate; `None` where none lives.
    #[must_use]
    pub fn living(&self) -> Option<Version> {
        self.version.filter(|_| self.version > self.floor)
    }
}

/// An event that was looked up by its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoundEvent {
    /// Its version.
    pub version: Version,
    /// Its place in the log.
    pub position: Option<Position>,
    /// Its bytes; `None` where they were erased.
    pub record: Option<Bytes>,
}

pub(super) async fn one_by_one<S: Store + ?Sized>(store: &S, queries: &[HeadQuery]) -> Result<Vec<Head>, StoreError> {
    let mut heads = Vec::with_capacity(queries.len());
    for query in queries {
        let version = Version::new(store.count(&query.stream, Version::FIRST).await?);
        let found = match query.event_id {
            Some(event_id) => find(store, &query.stream, event_id).await?,
            None => None,
        };
        heads.push(Head {
            version,
            floor: None,
            erasing: false,
            found,
        });
    }
    Ok(heads)
}

/// How many events one step of the search reads.
const PAGE: usize = 256;

async fn find<S: Store + ?Sized>(
    store: &S,
    stream: &StreamId,
    event_id: EventId,
) -> Result<Option<FoundEvent>, StoreError> {
    let mut from = Version::FIRST;
    loop {
        let page = store.read_range(stream, from, PAGE).await?;
        for event in &page {
            let record = Record::decode(&event.record).map_err(|error| {
                StoreError::permanent(format!("version {} of {stream} cannot be read", event.version)).caused_by(error)
            })?;
            if record.event_id == event_id {
                return Ok(Some(FoundEvent {
                    version: event.version,
                    position: event.position,
                    record: Some(event.record.clone()),
                }));
            }
        }
        match page.last() {
            Some(last) if page.len() == PAGE => from = last.version.next(),
            _ => return Ok(None),
        }
    }
}
