use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_trait::async_trait;
use asynx_core::store::{EventLog, LogEvent, LogFilter, LogPage, LogQuery};
use asynx_core::{Position, StoreError};
use futures::future::BoxFuture;

use crate::JetStreamStore;
use crate::error::corrupt;
use crate::head::mark;
use crate::message::Message;
use crate::names::BUCKET;
use crate::row::{Row, Rows, position, sequence};
use crate::store::Shared;

/// The most messages, and the least and most bytes of them, that one page looks at.
const MOST: usize = 1000;
const BYTES: (usize, usize) = (64 << 10, 8 << 20);
/// How often the end of a replicated stream is asked for before a position is said to lie beyond it.
const BEYOND_TRIES: usize = 6;
/// Over how many buckets of erased rows one page goes at most.
const BUCKETS: u64 = 64;

/// The stream's sequence orders all events, and none is visible before those below it: what was read can never be
/// preceded by something new (L2).
#[async_trait]
impl EventLog for JetStreamStore {
    async fn read(&self, query: &LogQuery) -> Result<LogPage, StoreError> {
        self.shared.log_page(query).await
    }

    async fn end(&self) -> Result<Option<Position>, StoreError> {
        // The first message is the anchor, which is no event.
        let end = self.shared.events.end().await?;
        Ok((end > 1).then(|| position(end)))
    }

    fn changed(&self, after: Option<Position>) -> BoxFuture<'static, ()> {
        let shared = self.shared.clone();
        Box::pin(async move { shared.changed(after).await })
    }
}

/// What one look at the stream gave.
struct Looked {
    messages: Vec<Message>,
    /// Up to where it is whole.
    through: u64,
    at_end: bool,
}

impl Shared {
    async fn log_page(&self, query: &LogQuery) -> Result<LogPage, StoreError> {
        let after = match query.after {
            Some(after) => sequence(after).ok_or_else(|| beyond(after))?,
            None => 0,
        };
        let mut looked = self.look(query, after).await?;
        let mut events = BTreeMap::new();
        // Rows are looked for after the messages: who erases stores them before it removes a message.
        if looked.through > after && self.may_be_erased(&looked, after).await? {
            let most = after + BUCKETS * BUCKET;
            if looked.through > most {
                looked.through = most;
                looked.messages.retain(|message| message.seq <= most);
                looked.at_end = false;
            }
            events = self.erased_rows(&query.filter, after, looked.through).await?;
        }
        for message in looked.messages {
            if mark(&message)?.is_some() || events.contains_key(&message.seq) {
                continue;
            }
            let stream = self.names.stream_of(&message.subject)?;
            let event = Row::of(&message)?.event(stream, Some(message.payload))?;
            if query.filter.wants(&event.stream, &event.event_name) {
                events.insert(message.seq, event);
            }
        }
        let next = if looked.through > after {
            Some(position(looked.through))
        } else {
            query.after
        };
        Ok(cut(query, events, next, looked.at_end))
    }

    async fn look(&self, query: &LogQuery, after: u64) -> Result<Looked, StoreError> {
        let (filter, is_exact) = self.subject_of(&query.filter);
        let most = if is_exact {
            query.max_events.clamp(1, MOST)
        } else {
            MOST
        };
        let bytes = query.max_bytes.clamp(BYTES.0, BYTES.1);
        let page = self.events.page(&filter, after + 1, most, bytes).await?;
        let mut messages = page.messages;
        let last = messages.last().map_or(after, |last| last.seq);
        if page.pending > 0 && last > after {
            return Ok(Looked {
                messages,
                through: last,
                at_end: false,
            });
        }
        if self.events.replicated {
            return self.look_at_all(messages, after, last).await;
        }
        let end = self.events.end().await?;
        if after > end {
            return Err(beyond(position(after)));
        }
        match self.events.next(&filter, last + 1).await? {
            Some(message) => {
                let through = message.seq;
                messages.push(message);
                Ok(Looked {
                    messages,
                    through,
                    at_end: false,
                })
            }
            None => Ok(Looked {
                messages,
                through: end.max(last),
                at_end: true,
            }),
        }
    }

    /// Goes on behind what a replica has of a filter. It may be behind, and does not tell how far it is: only the last
    /// message that one gives, wanted or not, shows up to where nothing was left out.
    async fn look_at_all(&self, mut messages: Vec<Message>, after: u64, last: u64) -> Result<Looked, StoreError> {
        let page = self.events.page(&self.names.all(), last + 1, MOST, BYTES.1).await?;
        let through = page.messages.last().map_or(last, |last| last.seq);
        let is_event = |message: &Message| self.names.is_event(&message.subject);
        messages.extend(page.messages.into_iter().filter(is_event));
        if through == after {
            self.check_beyond(after).await?;
        }
        Ok(Looked {
            messages,
            through,
            at_end: page.pending == 0,
        })
    }

    /// A leader that lost its place may give an end that was: it is given time to find out.
    async fn check_beyond(&self, after: u64) -> Result<(), StoreError> {
        for _ in 0..BEYOND_TRIES {
            if after <= self.events.end().await? {
                return Ok(());
            }
            self.events.wire.runtime.sleep(Duration::from_secs(2)).await;
        }
        Err(beyond(position(after)))
    }

    /// The narrowest subject that has all that a filter wants, and whether it has nothing else.
    fn subject_of(&self, filter: &LogFilter) -> (String, bool) {
        let (subject, is_exact) = match (&*filter.streams, &*filter.categories) {
            ([stream], categories) => (self.names.events(stream), categories.is_empty()),
            ([], [category]) => (self.names.events_of(category), true),
            (streams, categories) => (self.names.all_events(), streams.is_empty() && categories.is_empty()),
        };
        (subject, is_exact && filter.event_names.is_empty())
    }

    /// Whether something that was erased may lie in what was looked at.
    async fn may_be_erased(&self, looked: &Looked, after: u64) -> Result<bool, StoreError> {
        let whole = looked.messages.len() as u64 == looked.through - after;
        let mut has_tombstone = false;
        for message in &looked.messages {
            has_tombstone |= message.header("Asynx-Floor").is_some();
        }
        if whole && !has_tombstone {
            return Ok(false);
        }
        // Once there are rows, some of them stay.
        if self.has_rows.load(Ordering::Relaxed) {
            return Ok(true);
        }
        let has_rows = self.events.has_any(&self.names.all_rows()).await?;
        self.has_rows.store(has_rows, Ordering::Relaxed);
        Ok(has_rows)
    }

    async fn erased_rows(
        &self,
        filter: &LogFilter,
        after: u64,
        through: u64,
    ) -> Result<BTreeMap<u64, LogEvent>, StoreError> {
        let buckets = (after + 1) / BUCKET..=through / BUCKET;
        let subjects: Vec<String> = buckets.map(|bucket| self.names.rows_in(bucket)).collect();
        let mut events = BTreeMap::new();
        for message in self.events.last(&subjects).await?.0 {
            let stream = self.names.stream_of(&message.subject)?;
            for row in Rows::decode(&message)?.rows {
                if row.seq <= after || row.seq > through {
                    continue;
                }
                let event = row.event(stream.clone(), None)?;
                if filter.wants(&event.stream, &event.event_name) {
                    events.insert(row.seq, event);
                }
            }
        }
        Ok(events)
    }
}

/// As much of a page as was asked for.
fn cut(query: &LogQuery, found: BTreeMap<u64, LogEvent>, next: Option<Position>, at_end: bool) -> LogPage {
    let mut page = LogPage {
        events: Vec::new(),
        next,
        at_end,
    };
    let mut bytes = 0_usize;
    for event in found.into_values() {
        bytes = bytes.saturating_add(event.record.as_ref().map_or(0, |record| record.len()));
        let is_full = page.events.len() >= query.max_events.max(1) || bytes > query.max_bytes;
        if let Some(last) = page.events.last().filter(|_| is_full) {
            page.next = Some(last.position);
            page.at_end = false;
            break;
        }
        page.events.push(event);
    }
    page
}

fn beyond(after: Position) -> StoreError {
    corrupt(format!(
        "position {after} lies beyond the end of the log: it is of another stream, or this one was restored from an older \
         backup"
    ))
}
