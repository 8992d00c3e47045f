use std::collections::BTreeSet;

use asynx_core::StoreError;
use asynx_core::store::{LogEvent, LogFilter, LogPage, LogQuery};
use futures::TryStreamExt;
use sqlx::sqlite::SqliteRow;
use sqlx::{Executor, query_with};

use crate::database::Database;
use crate::read::limit;
use crate::statement::Values;
use crate::{json, row};

/// The log in its order, with what is not wanted left out.
pub(crate) const ALL: &str =
    "SELECT e.position, s.category, s.aggregate_id, e.version, e.event_id, e.event_name, e.occurred_at, e.record
FROM asynx_events AS e NOT INDEXED
CROSS JOIN asynx_streams AS s ON s.stream = e.stream
WHERE e.position > ?1 AND e.position <= ?2
    AND (?3 IS NULL OR s.category IN (SELECT value FROM json_each(?3)))
    AND (?4 IS NULL OR e.event_name IN (SELECT value FROM json_each(?4)))
ORDER BY e.position
LIMIT ?5";

/// A few streams, found by their index.
pub(crate) const OF_STREAMS: &str =
    "SELECT e.position, s.category, s.aggregate_id, e.version, e.event_id, e.event_name, e.occurred_at, e.record
FROM asynx_events AS e NOT INDEXED
CROSS JOIN asynx_streams AS s ON s.stream = e.stream
WHERE e.position IN (
        SELECT o.position
        FROM json_each(?6) AS q
        CROSS JOIN asynx_streams AS n INDEXED BY asynx_streams_by_name
            ON n.category = q.value ->> 0 AND n.aggregate_id = q.value ->> 1
        CROSS JOIN asynx_events AS o INDEXED BY asynx_events_by_version ON o.stream = n.stream
        WHERE o.position > ?1 AND o.position <= ?2
    )
    AND (?3 IS NULL OR s.category IN (SELECT value FROM json_each(?3)))
    AND (?4 IS NULL OR e.event_name IN (SELECT value FROM json_each(?4)))
ORDER BY e.position
LIMIT ?5";

/// How far one page goes through what is not wanted. A reader that sees nothing for long holds the write-ahead log as
/// long, and could not say how far it has come.
const WINDOW: u64 = 20_000;

impl Database {
    /// The wanted events after a position and before `end`, of which all is final.
    pub(crate) async fn page(&self, query: &LogQuery, end: u64) -> Result<LogPage, StoreError> {
        let after = query.after.map_or(0, |after| after.parts()[2]);
        let through = window(&query.filter, after, end);
        let events = self.events(query, after, through).await?;
        Ok(match events.cut {
            true => LogPage {
                next: events.given.last().map(|last| last.position).or(query.after),
                events: events.given,
                at_end: false,
            },
            false => LogPage {
                events: events.given,
                next: Some(row::position_of(through)),
                at_end: through == end,
            },
        })
    }

    async fn events(&self, query: &LogQuery, after: u64, through: u64) -> Result<Events, StoreError> {
        let most = query.max_events.max(1);
        // One more, to see whether there is more.
        let values = wanted(&query.filter, after, through, limit(most.saturating_add(1)));
        let sql = if query.filter.streams.is_empty() {
            ALL
        } else {
            OF_STREAMS
        };
        let mut held = self.readers.take().await?;
        let mut events = Events::default();
        let ended = {
            let mut rows = held.connection()?.fetch(query_with(sql, values.into_driver()));
            loop {
                match rows.try_next().await {
                    Ok(Some(row)) if events.take(&row, most, query.max_bytes)? => {}
                    Ok(_) => break Ok(()),
                    Err(error) => break Err(error),
                }
            }
        };
        ended.map_err(|error| held.explained(error))?;
        Ok(events)
    }
}

#[derive(Default)]
struct Events {
    given: Vec<LogEvent>,
    bytes: usize,
    /// Whether there is more than was given.
    cut: bool,
}

impl Events {
    /// Takes an event unless the page is full. Whether it was taken.
    fn take(&mut self, row: &SqliteRow, most: usize, most_bytes: usize) -> Result<bool, StoreError> {
        let record = row::optional_bytes(row, 7)?;
        self.bytes = self
            .bytes
            .saturating_add(record.as_ref().map_or(0, |record| record.len()));
        let full = self.given.len() >= most || self.bytes > most_bytes;
        if full && !self.given.is_empty() {
            self.cut = true;
            return Ok(false);
        }
        self.given.push(LogEvent {
            position: row::position(row, 0)?,
            stream: row::stream(row, 1, 2)?,
            version: row::version(row, 3)?,
            event_id: row::event_id(row, 4)?,
            event_name: row::event_name(row, 5)?,
            occurred_at: row::timestamp(row, 6)?,
            record,
        });
        Ok(true)
    }
}

/// How far one statement goes. Streams are found by their index, and where all is wanted, all that is passed is given.
pub(crate) fn window(filter: &LogFilter, after: u64, end: u64) -> u64 {
    let is_selective = !filter.categories.is_empty() || !filter.event_names.is_empty();
    match filter.streams.is_empty() && is_selective {
        true => end.min(after.saturating_add(WINDOW)),
        false => end,
    }
}

/// The values of the statements that go through the log: between which positions, of which categories, names and
/// streams, and how many events at most.
pub(crate) fn wanted(filter: &LogFilter, after: u64, through: u64, most: i64) -> Values {
    // A stream that is named twice counts once.
    let streams: BTreeSet<_> = filter
        .streams
        .iter()
        .map(|stream| (stream.category.as_str(), stream.aggregate_id.as_str()))
        .collect();
    Values::default()
        .number(after.cast_signed())
        .number(through.cast_signed())
        .optional_text(names(&filter.categories))
        .optional_text(names(&filter.event_names))
        .number(most)
        .text(json::text(&streams))
}

/// `None` where all are wanted.
fn names(wanted: &[impl AsRef<str>]) -> Option<String> {
    let names: Vec<_> = wanted.iter().map(AsRef::as_ref).collect();
    (!names.is_empty()).then(|| json::text(&names))
}
