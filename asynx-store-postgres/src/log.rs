use async_trait::async_trait;
use asynx_core::store::{EventLog, LogEvent, LogFilter, LogPage, LogQuery};
use asynx_core::{AggregateId, Category, EventId, EventName, Position, StoreError, StreamId, Timestamp};
use bytes::Bytes;
use futures::future::BoxFuture;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::query::Query;
use sqlx::{Postgres, Row as _};

use crate::PostgresStore;
use crate::error::store_error;
use crate::read::{at_most, version};
use crate::statements::{Sql, Statements};

/// The most events of a page, whatever is asked for.
const MOST: usize = 1_000_000;
/// How many events one page looks at where a filter may want few of them.
const LOOKED_AT: usize = 5_000;

/// Events are ordered by the transaction that stored them and given once no older transaction is under way (L2).
#[async_trait]
impl EventLog for PostgresStore {
    async fn read(&self, query: &LogQuery) -> Result<LogPage, StoreError> {
        let (epoch, tx, seq) = match query.after {
            Some(after) => parts(after).ok_or_else(|| beyond(after))?,
            None => (0, 0, 0),
        };
        let kind = Kind::of(&query.filter);
        let max_events = query.max_events.clamp(1, MOST);
        let statement = sqlx::query(kind.statement(&self.shared.statements).get())
            .bind(epoch)
            .bind(tx)
            .bind(seq)
            .bind(at_most(max_events));
        let statement = kind.bind(statement, query, max_events);
        let mut connection = self.shared.connections.reader().await.map_err(store_error)?;
        let rows = statement.fetch_all(&mut *connection).await.map_err(store_error)?;
        drop(connection);
        match kind {
            Kind::All => page(query, max_events, &rows),
            Kind::Filtered => page_filtered(query, max_events, &rows),
            Kind::OfStreams => page_of_streams(query, &rows),
        }
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

/// Which statement gives a page.
enum Kind {
    All,
    Filtered,
    OfStreams,
}

type Statement = Query<'static, Postgres, PgArguments>;

impl Kind {
    fn of(filter: &LogFilter) -> Self {
        match (
            filter.streams.is_empty(),
            filter.categories.is_empty() && filter.event_names.is_empty(),
        ) {
            (true, true) => Self::All,
            (true, false) => Self::Filtered,
            (false, _) => Self::OfStreams,
        }
    }

    const fn statement<'a>(&self, statements: &'a Statements) -> &'a Sql {
        match self {
            Self::All => &statements.log_page,
            Self::Filtered => &statements.log_page_filtered,
            Self::OfStreams => &statements.log_page_of_streams,
        }
    }

    /// What comes behind the position and the number of events.
    fn bind(&self, statement: Statement, query: &LogQuery, max_events: usize) -> Statement {
        let (filter, max_bytes) = (&query.filter, at_most(query.max_bytes));
        if let Self::All = self {
            return statement.bind(max_bytes);
        }
        let one_more = max_events.saturating_add(1);
        let look_at = match self {
            Self::Filtered => one_more.max(LOOKED_AT),
            _ => one_more,
        };
        let categories: Vec<String> = filter.categories.iter().map(ToString::to_string).collect();
        let event_names: Vec<String> = filter.event_names.iter().map(ToString::to_string).collect();
        let statement = statement.bind(at_most(look_at)).bind(max_bytes);
        let statement = statement.bind(categories).bind(event_names);
        match self {
            Self::OfStreams => {
                let (categories, ids) = names(&filter.streams);
                statement.bind(categories).bind(ids)
            }
            _ => statement,
        }
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

fn page(query: &LogQuery, max_events: usize, rows: &[PgRow]) -> Result<LogPage, StoreError> {
    let end = End::of(query, rows)?;
    let mut events: Vec<LogEvent> = Vec::with_capacity(rows.len());
    let mut next = None;
    for row in rows {
        let Some(event) = event(row)? else { break };
        if events.last().is_some_and(|last| last.position > event.position) {
            return Err(StoreError::permanent("the server gave a page of the log out of order"));
        }
        let total: i64 = row.try_get(13).map_err(store_error)?;
        if events.len() == max_events || (total > at_most(query.max_bytes) && !events.is_empty()) {
            next = events.last().map(|last| last.position);
            break;
        }
        events.push(event);
    }
    Ok(end.page(query, events, next))
}

fn page_filtered(query: &LogQuery, max_events: usize, rows: &[PgRow]) -> Result<LogPage, StoreError> {
    let end = End::of(query, rows)?;
    let mut events: Vec<LogEvent> = Vec::with_capacity(rows.len());
    let mut next = None;
    for row in rows {
        let Some(event) = event(row)? else { break };
        let wanted: bool = row.try_get(13).map_err(store_error)?;
        let fits: bool = row.try_get(14).map_err(store_error)?;
        let is_last: bool = row.try_get(15).map_err(store_error)?;
        let position = event.position;
        if wanted {
            if !fits || events.len() == max_events {
                next = events.last().map(|last| last.position).or(query.after);
                break;
            }
            events.push(event);
        }
        next = is_last.then_some(position);
    }
    Ok(end.page(query, events, next))
}

fn page_of_streams(query: &LogQuery, rows: &[PgRow]) -> Result<LogPage, StoreError> {
    let end = End::of(query, rows)?;
    let mut events = Vec::with_capacity(rows.len());
    for row in rows {
        events.extend(event(row)?);
    }
    // How many there are for the page, and perhaps one more.
    let wanted: i64 = rows.first().map_or(Ok(0), |row| row.try_get(13)).map_err(store_error)?;
    let more = (events.len() as u64) < wanted.unsigned_abs();
    let next = events.last().map(|last| last.position).or(query.after).filter(|_| more);
    Ok(end.page(query, events, next))
}

/// Where the log ends, as of one page.
struct End {
    epoch: i32,
    xmin: i64,
}

impl End {
    fn of(query: &LogQuery, rows: &[PgRow]) -> Result<Self, StoreError> {
        let Some(row) = rows.first() else {
            return Err(StoreError::permanent("the log gave no answer"));
        };
        let parsed = || Ok::<_, sqlx::Error>((row.try_get(10)?, row.try_get(11)?, row.try_get(12)?));
        let (epoch, xmin, xmax) = parsed().map_err(store_error)?;
        match query.after {
            Some(after) if after > position(epoch, xmax, 0) => Err(beyond(after)),
            _ => Ok(Self { epoch, xmin }),
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

/// An event in the first columns of a row; `None` where they are empty.
pub(crate) fn event(row: &PgRow) -> Result<Option<LogEvent>, StoreError> {
    let Some(epoch) = row.try_get::<Option<i32>, _>(0).map_err(store_error)? else {
        return Ok(None);
    };
    let parsed = || -> Result<LogEvent, sqlx::Error> {
        let missing = || sqlx::Error::Protocol("an event has no version".to_owned());
        let decode = |error| sqlx::Error::Decode(Box::new(error));
        Ok(LogEvent {
            position: position(epoch, row.try_get(1)?, row.try_get::<i32, _>(2)?.into()),
            stream: StreamId {
                category: Category::parse(row.try_get::<&str, _>(3)?).map_err(decode)?,
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
