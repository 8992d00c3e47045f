use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use asynx_core::store::{EventLog, LogEvent, LogFilter, LogPage, LogQuery};
use asynx_core::{AggregateId, Category, EventId, EventName, Position, StoreError, StreamId, Timestamp};
use bytes::Bytes;
use futures::TryStreamExt as _;
use futures::future::BoxFuture;
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use crate::PostgresStore;
use crate::error::store_error;
use crate::read::{at_most, version};

/// The most events of a page, whatever is asked for.
const MOST: usize = 1_000_000;
/// How many events one page looks at where a filter may want few of them.
const LOOKED_AT: usize = 5_000;

/// How large records were lately. A page asks for about as many as have place in it: what has none is sent in vain.
pub(crate) struct RecordSize(AtomicUsize);

impl RecordSize {
    pub(crate) const fn unknown() -> Self {
        Self(AtomicUsize::new(8 * 1024))
    }

    /// How many rows to ask for: twice as many as would fit if all were like the last ones, and one more than wanted, which
    /// tells whether there are more.
    fn rows(&self, max_events: usize, max_bytes: usize) -> usize {
        let fit = max_bytes / self.0.load(Ordering::Relaxed).max(1);
        fit.saturating_mul(2).saturating_add(1).min(max_events) + 1
    }

    fn seen(&self, events: usize, bytes: usize) {
        if let Some(mean) = bytes.checked_div(events) {
            self.0.store(mean, Ordering::Relaxed);
        }
    }
}

/// Events are ordered by the transaction that stored them and given once no older transaction is under way (L2).
#[async_trait]
impl EventLog for PostgresStore {
    async fn read(&self, query: &LogQuery) -> Result<LogPage, StoreError> {
        let (epoch, tx, seq) = match query.after {
            Some(after) => parts(after).ok_or_else(|| beyond(after))?,
            None => (0, 0, 0),
        };
        let (statements, filter) = (&self.shared.statements, &query.filter);
        let max_events = query.max_events.clamp(1, MOST);
        let of_streams = !filter.streams.is_empty();
        let (statement, rows) = match of_streams {
            true => (&statements.log_page_of_streams, max_events),
            false => (
                &statements.log_page,
                self.shared.record_size.rows(max_events, query.max_bytes),
            ),
        };
        let look_at = match of_streams {
            true => max_events.saturating_add(1),
            false => rows.max(LOOKED_AT),
        };
        let mut statement = sqlx::query(statement.get())
            .bind(epoch)
            .bind(tx)
            .bind(seq)
            .bind(at_most(rows))
            .bind(at_most(look_at))
            .bind(filter.categories.iter().map(AsRef::as_ref).collect::<Vec<&str>>())
            .bind(filter.event_names.iter().map(AsRef::as_ref).collect::<Vec<&str>>());
        let mut connection = self.shared.connections.reader().await.map_err(store_error)?;
        if of_streams {
            let (categories, ids) = names(&filter.streams);
            statement = statement.bind(categories).bind(ids).bind(at_most(query.max_bytes));
            let rows = statement.fetch_all(&mut *connection).await.map_err(store_error)?;
            connection.keep();
            return page_of_streams(query, &rows);
        }
        let mut filling = Filling::new(query, max_events, rows);
        let mut answer = statement.fetch(&mut *connection);
        while let Some(row) = answer.try_next().await.map_err(store_error)? {
            filling.take(&row)?;
        }
        drop(answer);
        connection.keep();
        self.shared.record_size.seen(filling.received, filling.bytes);
        filling.page()
    }

    async fn end(&self) -> Result<Option<Position>, StoreError> {
        let mut connection = self.shared.connections.reader().await.map_err(store_error)?;
        let (epoch, xmin, any): (i32, i64, bool) = sqlx::query_as(self.shared.statements.log_end.get())
            .fetch_one(&mut *connection)
            .await
            .map_err(store_error)?;
        Ok(any.then(|| position(epoch, xmin, 0)))
    }

    async fn count(&self, after: Option<Position>, filter: &LogFilter, most: u64) -> Result<u64, StoreError> {
        let (epoch, tx, seq) = match after {
            Some(after) => parts(after).ok_or_else(|| beyond(after))?,
            None => (0, 0, 0),
        };
        let (categories, ids) = names(&filter.streams);
        let mut connection = self.shared.connections.reader().await.map_err(store_error)?;
        let count: i64 = sqlx::query_scalar(self.shared.statements.log_count.get())
            .bind(epoch)
            .bind(tx)
            .bind(seq)
            .bind(i64::try_from(most).unwrap_or(i64::MAX))
            .bind(filter.categories.iter().map(AsRef::as_ref).collect::<Vec<&str>>())
            .bind(filter.event_names.iter().map(AsRef::as_ref).collect::<Vec<&str>>())
            .bind(categories)
            .bind(ids)
            .fetch_one(&mut *connection)
            .await
            .map_err(store_error)?;
        Ok(count.unsigned_abs())
    }

    fn changed(&self, after: Option<Position>) -> BoxFuture<'static, ()> {
        self.shared.follower.changed(&self.shared, after)
    }
}

/// Each stream once, column by column.
fn names(streams: &[StreamId]) -> (Vec<String>, Vec<String>) {
    let mut streams: Vec<&StreamId> = streams.iter().collect();
    streams.sort_unstable();
    streams.dedup();
    let names = streams
        .into_iter()
        .map(|stream| (stream.category.to_string(), stream.aggregate_id.to_string()));
    names.unzip()
}

/// A position from the numbering of transactions, the transaction, and the place in it.
pub(crate) fn position(epoch: i32, tx: i64, seq: i64) -> Position {
    Position::new([u64::from(epoch.unsigned_abs()), tx.unsigned_abs(), seq.unsigned_abs()])
}

pub(crate) fn parts(position: Position) -> Option<(i32, i64, i32)> {
    let [epoch, tx, seq] = position.parts();
    Some((
        i32::try_from(epoch).ok()?,
        i64::try_from(tx).ok()?,
        i32::try_from(seq).ok()?,
    ))
}

fn beyond(after: Position) -> StoreError {
    StoreError::permanent(format!(
        "position {after} lies beyond the end of the log: it is of another database, or this one was restored from an \
         older backup"
    ))
}

/// A page while its rows come.
struct Filling<'a> {
    query: &'a LogQuery,
    max_events: usize,
    /// How many events were asked for, and how many have come, with how many bytes.
    asked: usize,
    received: usize,
    bytes: usize,
    end: Option<End>,
    events: Vec<LogEvent>,
    newest: Option<Position>,
    /// The last that was looked at, where there is more behind it.
    looked_at: Option<Position>,
}

impl<'a> Filling<'a> {
    fn new(query: &'a LogQuery, max_events: usize, asked: usize) -> Self {
        Self {
            query,
            max_events,
            asked,
            received: 0,
            bytes: 0,
            end: None,
            events: Vec::new(),
            newest: None,
            looked_at: None,
        }
    }

    /// Takes a row; of an event that has no place any more only the size.
    fn take(&mut self, row: &PgRow) -> Result<(), StoreError> {
        let Some(event) = event(row)? else {
            return self.take_mark(row).map_err(store_error);
        };
        if self.newest.replace(event.position) >= Some(event.position) {
            return Err(StoreError::permanent("the server gave a page of the log out of order"));
        }
        self.received += 1;
        self.bytes += event.record.as_ref().map_or(0, Bytes::len);
        let fits = self.events.len() < self.max_events && self.bytes <= self.query.max_bytes;
        if fits || self.events.is_empty() {
            self.events.push(event);
        }
        Ok(())
    }

    /// A row without an event: where the log ends, or how far it was looked at.
    fn take_mark(&mut self, row: &PgRow) -> Result<(), sqlx::Error> {
        let (epoch, tx, seq): (i32, i64, i32) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
        match row.try_get(5)? {
            Some(xmax) => self.end = Some(End { epoch, xmin: tx, xmax }),
            None => self.looked_at = Some(position(epoch, tx, seq.into())),
        }
        Ok(())
    }

    fn page(self) -> Result<LogPage, StoreError> {
        let missing = || StoreError::permanent("the log gave no answer");
        let end = self.end.ok_or_else(missing)?.check(self.query)?;
        let is_cut = self.received == self.asked || self.events.len() < self.received;
        let next = match self.events.last() {
            Some(last) if is_cut => Some(last.position),
            _ => self.looked_at,
        };
        Ok(end.page(self.query, self.events, next))
    }
}

fn page_of_streams(query: &LogQuery, rows: &[PgRow]) -> Result<LogPage, StoreError> {
    let Some(first) = rows.first() else {
        return Err(StoreError::permanent("the log gave no answer"));
    };
    let whole = || {
        Ok::<_, sqlx::Error>((
            first.try_get(10)?,
            first.try_get(11)?,
            first.try_get(12)?,
            first.try_get(13)?,
        ))
    };
    // How many are wanted for the page, and perhaps one more.
    let (epoch, xmin, xmax, wanted): (_, _, _, i64) = whole().map_err(store_error)?;
    let end = End { epoch, xmin, xmax }.check(query)?;
    let mut events = Vec::with_capacity(rows.len());
    for row in rows {
        events.extend(event(row)?);
    }
    let more = (events.len() as u64) < wanted.unsigned_abs();
    let next = events.last().map(|last| last.position).or(query.after).filter(|_| more);
    Ok(end.page(query, events, next))
}

/// Where the log ends, as of one page.
struct End {
    epoch: i32,
    xmin: i64,
    xmax: i64,
}

impl End {
    fn check(self, query: &LogQuery) -> Result<Self, StoreError> {
        match query.after {
            Some(after) if after > position(self.epoch, self.xmax, 0) => Err(beyond(after)),
            _ => Ok(self),
        }
    }

    /// A page that goes on behind `next`; `None`: it reaches the end.
    fn page(&self, query: &LogQuery, events: Vec<LogEvent>, next: Option<Position>) -> LogPage {
        // A reader that waits there does not look again at what it does not want.
        let end = || query.after.max(Some(position(self.epoch, self.xmin, 0)));
        LogPage {
            events,
            at_end: next.is_none(),
            next: next.or_else(end),
        }
    }
}

/// An event in the first columns of a row; `None` where there is none.
pub(crate) fn event(row: &PgRow) -> Result<Option<LogEvent>, StoreError> {
    let Some(category) = row.try_get::<Option<&str>, _>(3).map_err(store_error)? else {
        return Ok(None);
    };
    let parsed = || -> Result<LogEvent, sqlx::Error> {
        let missing = || sqlx::Error::Protocol("an event has no version".to_owned());
        let decode = |error| sqlx::Error::Decode(Box::new(error));
        Ok(LogEvent {
            position: position(row.try_get(0)?, row.try_get(1)?, row.try_get::<i32, _>(2)?.into()),
            stream: StreamId {
                category: Category::parse(category).map_err(decode)?,
                aggregate_id: AggregateId::parse(row.try_get::<&str, _>(4)?).map_err(decode)?,
            },
            version: version(row, 5)?.ok_or_else(missing)?,
            event_id: EventId::from_uuid(row.try_get(6)?),
            event_name: EventName::parse_stored(row.try_get::<&str, _>(7)?).map_err(decode)?,
            occurred_at: Timestamp::from_micros(row.try_get(8)?),
            record: row.try_get::<Option<Vec<u8>>, _>(9)?.map(Bytes::from),
        })
    };
    parsed().map(Some).map_err(store_error)
}

#[cfg(test)]
mod tests {
    use super::RecordSize;

    #[test]
    fn of_large_records_few_are_asked_for() {
        const MEBI: usize = 1 << 20;
        let size = RecordSize::unknown();
        assert_eq!(size.rows(1_000, 4 * MEBI), 1_001);
        size.seen(3, 3 * MEBI);
        assert_eq!(size.rows(1_000, 4 * MEBI), 10);
        assert_eq!(size.rows(1, usize::MAX), 2);
        // One is given even if it is larger.
        assert_eq!(size.rows(1_000, 1), 2);
        size.seen(0, 0);
        assert_eq!(size.rows(1_000, 4 * MEBI), 10);
        size.seen(10, 0);
        assert_eq!(size.rows(1_000, 4 * MEBI), 1_001);
    }
}
