use std::pin::Pin;
use std::task::{Context, Poll};

use async_trait::async_trait;
use asynx_core::store::{EventLog, LogEvent, LogPage, LogQuery};
use asynx_core::{Position, StoreError, StreamId};
use futures::future::BoxFuture;

use crate::MemoryStore;
use crate::data::{Data, position};

/// One lock puts appends in order, so whatever is in the log can no longer be preceded by anything (L2).
#[async_trait]
impl EventLog for MemoryStore {
    async fn read(&self, query: &LogQuery) -> Result<LogPage, StoreError> {
        self.lock().page(query)
    }

    async fn end(&self) -> Result<Option<Position>, StoreError> {
        Ok(self.lock().end())
    }

    fn changed(&self, after: Option<Position>) -> BoxFuture<'static, ()> {
        Box::pin(Changed {
            store: self.clone(),
            after,
            ticket: None,
        })
    }
}

impl Data {
    fn end(&self) -> Option<Position> {
        (!self.log.is_empty()).then(|| position(self.log.len() as u64))
    }

    fn page(&self, query: &LogQuery) -> Result<LogPage, StoreError> {
        if query.after > self.end() {
            return Err(StoreError::permanent(format!(
                "position {} lies beyond the end of the log: it is of another store",
                query.after.map(|after| after.to_string()).unwrap_or_default()
            )));
        }
        let after = query.after.map_or(0, |after| after.parts()[2]);
        let mut page = LogPage {
            events: Vec::new(),
            next: query.after,
            at_end: false,
        };
        let mut bytes = 0_usize;
        let start = usize::try_from(after).unwrap_or(usize::MAX);
        for (number, place) in (after + 1..).zip(self.log.iter().skip(start)) {
            let Some((stream, version)) = place else {
                continue;
            };
            let Some(row) = self.streams.get(&**stream).and_then(|stream| stream.row(*version)) else {
                continue;
            };
            if query.filter.wants(stream, &row.event_name) {
                bytes = bytes.saturating_add(row.record.as_ref().map_or(0, |record| record.len()));
                let full = page.events.len() >= query.max_events || bytes > query.max_bytes;
                if full && !page.events.is_empty() {
                    return Ok(page);
                }
                page.events.push(LogEvent {
                    position: position(number),
                    stream: StreamId::clone(stream),
                    version: *version,
                    event_id: row.event_id,
                    event_name: row.event_name.clone(),
                    occurred_at: row.occurred_at,
                    record: row.record.clone(),
                });
            }
            page.next = Some(position(number));
        }
        page.next = self.end();
        page.at_end = true;
        Ok(page)
    }
}

/// Ends when the log has grown beyond a position.
struct Changed {
    store: MemoryStore,
    after: Option<Position>,
    /// Under what our waker is kept.
    ticket: Option<u64>,
}

impl Future for Changed {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // Cloned and dropped outside the lock: wakers are foreign code.
        let waker = cx.waker().clone();
        let mut data = self.store.lock();
        if data.end() > self.after {
            return Poll::Ready(());
        }
        let ticket = self.ticket.unwrap_or_else(|| {
            data.last_ticket += 1;
            data.last_ticket
        });
        let replaced = data.waiting.insert(ticket, waker);
        drop(data);
        drop(replaced);
        self.ticket = Some(ticket);
        Poll::Pending
    }
}

impl Drop for Changed {
    fn drop(&mut self) {
        if let Some(ticket) = self.ticket {
            let waker = self.store.lock().waiting.remove(&ticket);
            drop(waker);
        }
    }
}
