use asynx_core::store::StoredEvent;
use asynx_core::{StoreError, StreamId, Version};
use sqlx::sqlite::SqliteRow;

use crate::database::Database;
use crate::row;
use crate::statement::Values;

/// Erased events are at the front of their stream, so reading begins after them.
const RANGE: &str = "SELECT e.version, e.position, e.record
FROM asynx_streams AS s INDEXED BY asynx_streams_by_name
CROSS JOIN asynx_events AS e INDEXED BY asynx_events_by_version
    ON e.stream = s.stream AND e.version >= max(?3, s.erased + 1)
WHERE s.category = ?1 AND s.aggregate_id = ?2
ORDER BY e.version
LIMIT ?4";

/// Versions have no gaps, so the head tells how many there are.
const COUNT: &str = "SELECT max(0, version - max(?3 - 1, erased))
FROM asynx_streams INDEXED BY asynx_streams_by_name
WHERE category = ?1 AND aggregate_id = ?2";

impl Database {
    /// At most `count` events at or above a version (S7, S8).
    pub(crate) async fn range(
        &self,
        stream: &StreamId,
        from: Version,
        count: usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let values = of_stream(stream).number(from.as_i64()).number(limit(count));
        let rows = self.read(RANGE, values).await?;
        rows.iter().map(|row| stored(row, 0)).collect()
    }

    /// The number of events at or above a version (S8).
    pub(crate) async fn count(&self, stream: &StreamId, from: Version) -> Result<u64, StoreError> {
        let rows = self.read(COUNT, of_stream(stream).number(from.as_i64())).await?;
        let count = rows.first().map_or(Ok(0), |row| row::number(row, 0))?;
        Ok(count.unsigned_abs())
    }
}

/// The names of a stream, the first two values of many statements.
pub(crate) fn of_stream(stream: &StreamId) -> Values {
    Values::default()
        .text(stream.category.as_str())
        .text(stream.aggregate_id.as_str())
}

/// A number of rows as SQLite takes it.
pub(crate) fn limit(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

/// An event from three columns: version, position, record.
pub(crate) fn stored(row: &SqliteRow, first: usize) -> Result<StoredEvent, StoreError> {
    Ok(StoredEvent {
        version: row::version(row, first)?,
        position: Some(row::position(row, first + 1)?),
        record: row::bytes(row, first + 2)?,
    })
}
