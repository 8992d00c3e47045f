use async_trait::async_trait;
use bytes::Bytes;
use futures::future::BoxFuture;

use super::StoreError;
use crate::{Category, EventId, EventName, Position, StreamId, Timestamp, Version};

/// Which events of the log are wanted. Empty lists want all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogFilter {
    /// Of these categories.
    pub categories: Vec<Category>,
    /// With these names.
    pub event_names: Vec<EventName>,
    /// Of these streams.
    pub streams: Vec<StreamId>,
}

impl LogFilter {
    /// Whether an event is wanted.
    #[must_use]
    pub fn wants(&self, stream: &StreamId, event_name: &EventName) -> bool {
        (self.categories.is_empty() || self.categories.contains(&stream.category))
            && (self.event_names.is_empty() || self.event_names.contains(event_name))
            && (self.streams.is_empty() || self.streams.contains(stream))
    }
}

/// Asks for a page of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogQuery {
    /// Only what comes after this position; `None` from the beginning.
    pub after: Option<Position>,
    /// Only what the filter wants.
    pub filter: LogFilter,
    /// At most this many events, at least 1.
    pub max_events: usize,
    /// Stop before the records exceed this many bytes; one event is given even if it is larger.
    pub max_bytes: usize,
}

/// One event of the log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogEvent {
    /// Its place in the log.
    pub position: Position,
    /// The stream it belongs to.
    pub stream: StreamId,
    /// Its place in the stream.
    pub version: Version,
    /// Its identity.
    pub event_id: EventId,
    /// What happened.
    pub event_name: EventName,
    /// When the command ran.
    pub occurred_at: Timestamp,
    /// The bytes that were appended; `None` where they were erased.
    pub record: Option<Bytes>,
}

/// A page of the log.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LogPage {
    /// The events, in position order.
    pub events: Vec<LogEvent>,
    /// Where to go on: everything wanted up to here is in this page or came before it. `None`: from the beginning.
    pub next: Option<Position>,
    /// Whether the page ends at what is final now; else there is more to read at once.
    pub at_end: bool,
}

/// All events of a store in one order that never changes.
///
/// # Laws
/// - **L1** The order MUST be total and stable: two reads of the same range give the same events in the same order,
///   erasures apart.
/// - **L2** A reader that goes on from any `next` or position it was ever given MUST see every later event exactly
///   once: **nothing MUST be given that could still be preceded by something not given**. A position beyond the end of
///   the log MUST be refused.
/// - **L3** Events of one stream MUST come in version order.
/// - **L4** An append that was answered MUST be given after a bounded time, unless an older write is still under way;
///   what delays a reader MUST NOT outlive that write.
/// - **L5** A rolled-back or refused append MUST NOT be given and MUST NOT hold readers back.
/// - **L6** Pages MUST obey their limits; with events left, a page MUST advance: an empty page may move `next` past what
///   the filter does not want.
/// - **L7** The position that an append answered MUST be the one that the log gives.
#[async_trait]
pub trait EventLog: Send + Sync + 'static {
    /// A page of the log (L1-L6).
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read, or `after` lies beyond the end of the log (permanent).
    async fn read(&self, query: &LogQuery) -> Result<LogPage, StoreError>;

    /// The position up to which the log is final now; `None` where it is empty.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn end(&self) -> Result<Option<Position>, StoreError>;

    /// How many events come after a position that the filter wants and that are final, counted up to `most`: how far a
    /// reader is behind. A store that can count without reading overrides it.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    async fn count(&self, after: Option<Position>, filter: &LogFilter, most: u64) -> Result<u64, StoreError> {
        let mut query = LogQuery {
            after,
            filter: filter.clone(),
            max_events: 1_000,
            max_bytes: 16 << 20,
        };
        let mut count = 0;
        loop {
            let page = self.read(&query).await?;
            count += page.events.len() as u64;
            if page.at_end || count >= most {
                return Ok(count.min(most));
            }
            query.after = page.next;
        }
    }

    /// Ends when there may be events after a position. May never end on its own: readers poll besides.
    fn changed(&self, after: Option<Position>) -> BoxFuture<'static, ()> {
        let _ = after;
        Box::pin(futures::future::pending())
    }
}
