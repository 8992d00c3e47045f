//! The rows of an append, many in one statement.

use std::sync::LazyLock;

use asynx_core::StoreError;
use asynx_core::store::AppendError;

use crate::plan::{GroupAppend, Plan};
use crate::statement::Values;
use crate::write::Writing;

/// How many rows the statements have: few texts, so that each is prepared once. With one text for each number of rows
/// preparing them would cost more than the rows.
const SIZES: [usize; 4] = [64, 16, 4, 1];

static NEW_STREAMS: LazyLock<[String; SIZES.len()]> = LazyLock::new(|| {
    SIZES.map(|size| {
        "INSERT INTO asynx_streams (stream, category, aggregate_id, version, floor) VALUES ".to_owned()
            + &["(?, ?, ?, ?, ?)"].repeat(size).join(", ")
    })
});

static MOVED_STREAMS: LazyLock<[String; SIZES.len()]> =
    LazyLock::new(|| SIZES.map(|size| "UPDATE asynx_streams SET version = ? WHERE stream = ?;".repeat(size)));

const FORGOTTEN_STREAM: &str = "UPDATE asynx_streams SET floor = ?2 WHERE stream = ?1";

static EVENTS: LazyLock<[String; SIZES.len()]> = LazyLock::new(|| {
    SIZES.map(|size| {
        "INSERT INTO asynx_events (position, stream, version, event_id, event_name, occurred_at, record) VALUES "
            .to_owned()
            + &["(?, ?, ?, ?, ?, ?, ?)"].repeat(size).join(", ")
    })
});

/// Moves the heads of the streams.
pub(crate) async fn streams(writing: &mut Writing, plan: &Plan<'_>) -> Result<(), AppendError> {
    let (new, moved): (Vec<_>, Vec<_>) = plan.appends.iter().partition(|append| append.is_new);
    rows(writing, &NEW_STREAMS, &new, 5, |values, append| {
        let stream = &append.group.stream;
        values
            .number(append.stream)
            .text(stream.category.as_str())
            .text(stream.aggregate_id.as_str())
            .number(append.last())
            .number(append.floor().unwrap_or(0))
    })
    .await?;
    rows(writing, &MOVED_STREAMS, &moved, 2, |values, append| {
        values.number(append.last()).number(append.stream)
    })
    .await?;
    for append in moved {
        if let Some(floor) = append.floor() {
            let values = Values::default().number(append.stream).number(floor);
            let forgotten = writing.run(FORGOTTEN_STREAM, values).await;
            forgotten.map_err(AppendError::NotApplied)?;
        }
    }
    Ok(())
}

pub(crate) async fn events(writing: &mut Writing, plan: &Plan<'_>) -> Result<(), AppendError> {
    let events = plan.appends.iter().flat_map(|append| {
        let positions = append.position..;
        positions
            .zip(&append.group.events)
            .map(|(position, event)| (position, append.stream, event))
    });
    let events: Vec<_> = events.collect();
    rows(writing, &EVENTS, &events, 7, |values, (position, stream, event)| {
        values
            .number(*position)
            .number(*stream)
            .number(event.version.as_i64())
            .blob(event.event_id.as_uuid().as_bytes())
            .text(event.event_name.as_str())
            .number(event.occurred_at.as_micros())
            .blob(&event.record)
    })
    .await
}

/// Runs statements of many rows, then of fewer, until all rows are in.
async fn rows<T>(
    writing: &mut Writing,
    texts: &'static LazyLock<[String; SIZES.len()]>,
    mut rows: &[T],
    columns: usize,
    bind: impl Fn(Values, &T) -> Values,
) -> Result<(), AppendError> {
    for (size, text) in SIZES.iter().zip(texts.iter()) {
        while let Some((now, later)) = rows.split_at_checked(*size) {
            let values = now.iter().fold(Values::with_room_for(size * columns), &bind);
            let done: Result<_, StoreError> = writing.run(text.as_str(), values).await;
            done.map_err(AppendError::NotApplied)?;
            rows = later;
        }
    }
    Ok(())
}

impl GroupAppend<'_> {
    fn last(&self) -> i64 {
        self.group.events.last().map_or(0, |event| event.version.as_i64())
    }

    /// The newest tombstone in it (E1).
    fn floor(&self) -> Option<i64> {
        let tombstone = self.group.events.iter().rfind(|event| event.event_name.is_tombstone());
        tombstone.map(|event| event.version.as_i64())
    }
}
