//! The rows of an append, many in one statement.

use std::sync::OnceLock;

use asynx_core::StoreError;
use asynx_core::store::NewEvent;

use crate::plan::{GroupAppend, Plan};
use crate::statement::Values;
use crate::write::{Uncommitted, Writing};

/// How many rows statements have: the powers of two, up to this one. Rows that are left over are empty. So there are few
/// texts, each prepared once, and an append is one round trip to the connection's thread.
const MOST: usize = 1 << (SIZES - 1);
const SIZES: usize = 9;

/// By the powers of the numbers of events and of streams.
static TEXTS: [[OnceLock<String>; SIZES]; SIZES] = [const { [const { OnceLock::new() }; SIZES] }; SIZES];

/// What comes before the commit in such a text.
const STATEMENTS: usize = 2;

/// Stores what is planned and commits it.
pub(crate) async fn commit(mut writing: Writing, plan: &Plan<'_>) -> Result<(), Uncommitted> {
    let mut streams = &plan.appends[..];
    let events: Vec<_> = plan.appends.iter().flat_map(GroupAppend::events).collect();
    let mut events = &events[..];
    while events.len() > MOST || streams.len() > MOST {
        let (more_events, more_streams);
        (more_events, events) = events.split_at(events.len().min(MOST));
        (more_streams, streams) = streams.split_at(streams.len().min(MOST));
        let (text, values) = statements(more_events, more_streams);
        let text = text.strip_suffix(COMMIT).unwrap_or(text);
        writing.run(text, values).await.map_err(Uncommitted::No)?;
    }
    let (text, values) = statements(events, streams);
    writing.commit_with(text, values, STATEMENTS).await
}

/// Stores what is planned and leaves the transaction open.
pub(crate) async fn store(writing: &mut Writing, plan: &Plan<'_>) -> Result<(), StoreError> {
    let mut streams = &plan.appends[..];
    let events: Vec<_> = plan.appends.iter().flat_map(GroupAppend::events).collect();
    let mut events = &events[..];
    while !events.is_empty() || !streams.is_empty() {
        let (more_events, more_streams);
        (more_events, events) = events.split_at(events.len().min(MOST));
        (more_streams, streams) = streams.split_at(streams.len().min(MOST));
        let (text, values) = statements(more_events, more_streams);
        let text = text.strip_suffix(COMMIT).unwrap_or(text);
        writing.run(text, values).await?;
    }
    Ok(())
}

/// The text for so many rows, and their values.
fn statements(events: &[Event<'_>], streams: &[GroupAppend<'_>]) -> (&'static str, Values) {
    let (event_power, stream_power) = (power(events.len()), power(streams.len()));
    let text = TEXTS[event_power][stream_power].get_or_init(|| text(1 << event_power, 1 << stream_power));
    let mut values = Values::with_room_for((7 << event_power) + (5 << stream_power));
    for event in events {
        values = event.bind(values);
    }
    for _ in events.len()..1 << event_power {
        values = values.nulls(7);
    }
    for stream in streams {
        values = stream.bind(values);
    }
    for _ in streams.len()..1 << stream_power {
        values = values.nulls(5);
    }
    (text, values)
}

/// The power of two that has room for so many rows.
const fn power(rows: usize) -> usize {
    rows.next_power_of_two().ilog2() as usize
}

const COMMIT: &str = ";\nCOMMIT";

/// A stream that is there conflicts with itself, by its number and by its name. `OR ROLLBACK`, because otherwise SQLite
/// copies every page that a statement changes, to be able to undo that statement alone.
pub(crate) fn text(events: usize, streams: usize) -> String {
    let rows = |row: &str, count| [row].repeat(count).join(", ");
    format!(
        "INSERT OR ROLLBACK INTO asynx_events (position, stream, version, event_id, event_name, occurred_at, record)
SELECT column1, column2, column3, column4, column5, column6, column7 FROM (VALUES {}) WHERE column1 IS NOT NULL;
INSERT OR ROLLBACK INTO asynx_streams (stream, category, aggregate_id, version, floor)
SELECT column1, column2, column3, column4, column5 FROM (VALUES {}) WHERE column1 IS NOT NULL
ON CONFLICT DO UPDATE SET version = excluded.version, floor = max(floor, excluded.floor){COMMIT}",
        rows("(?, ?, ?, ?, ?, ?, ?)", events),
        rows("(?, ?, ?, ?, ?)", streams),
    )
}

struct Event<'a> {
    position: i64,
    stream: i64,
    event: &'a NewEvent,
}

impl Event<'_> {
    fn bind(&self, values: Values) -> Values {
        values
            .number(self.position)
            .number(self.stream)
            .number(self.event.version.as_i64())
            .blob(self.event.event_id.as_uuid().as_bytes())
            .text(self.event.event_name.as_str())
            .number(self.event.occurred_at.as_micros())
            .blob(&self.event.record)
    }
}

impl<'a> GroupAppend<'a> {
    fn events(&self) -> impl Iterator<Item = Event<'a>> {
        let stream = self.stream;
        let events = (self.position..).zip(&self.group.events);
        events.map(move |(position, event)| Event {
            position,
            stream,
            event,
        })
    }

    fn bind(&self, values: Values) -> Values {
        let last = self.group.events.last();
        let tombstone = self.group.events.iter().rfind(|event| event.event_name.is_tombstone());
        let version = |event: Option<&NewEvent>| event.map_or(0, |event| event.version.as_i64());
        values
            .number(self.stream)
            .text(self.group.stream.category.as_str())
            .text(self.group.stream.aggregate_id.as_str())
            .number(version(last))
            .number(version(tombstone))
    }
}
