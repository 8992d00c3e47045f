use asynx_core::store::LogFilter;
use asynx_core::{Position, StoreError};

use crate::database::Database;
use crate::page::{wanted, window};
use crate::row;

pub(crate) const ALL: &str = "SELECT count(*) FROM (
    SELECT 1
    FROM asynx_events AS e NOT INDEXED
    CROSS JOIN asynx_streams AS s ON s.stream = e.stream
    WHERE e.position > ?1 AND e.position <= ?2
        AND (?3 IS NULL OR s.category IN (SELECT value FROM json_each(?3)))
        AND (?4 IS NULL OR e.event_name IN (SELECT value FROM json_each(?4)))
    LIMIT ?5
)";

pub(crate) const OF_STREAMS: &str = "SELECT count(*) FROM (
    SELECT 1
    FROM json_each(?6) AS q
    CROSS JOIN asynx_streams AS s INDEXED BY asynx_streams_by_name
        ON s.category = q.value ->> 0 AND s.aggregate_id = q.value ->> 1
    CROSS JOIN asynx_events AS e INDEXED BY asynx_events_by_version ON e.stream = s.stream
    WHERE e.position > ?1 AND e.position <= ?2
        AND (?3 IS NULL OR s.category IN (SELECT value FROM json_each(?3)))
        AND (?4 IS NULL OR e.event_name IN (SELECT value FROM json_each(?4)))
    LIMIT ?5
)";

impl Database {
    /// How many wanted events come after a position, counted up to `most`. Step by step, as pages are read.
    pub(crate) async fn count_log(
        &self,
        after: Option<Position>,
        filter: &LogFilter,
        most: u64,
    ) -> Result<u64, StoreError> {
        let Some(end) = self.end_beyond(after).await? else {
            return Ok(0);
        };
        let mut after = after.map_or(0, |after| after.parts()[2]);
        let sql = if filter.streams.is_empty() { ALL } else { OF_STREAMS };
        let mut count = 0;
        while after < end && count < most {
            let through = window(filter, after, end);
            let left = i64::try_from(most - count).unwrap_or(i64::MAX);
            let rows = self.read(sql, wanted(filter, after, through, left)).await?;
            count += row::number(row::only(&[rows])?, 0)?.unsigned_abs();
            after = through;
        }
        Ok(count)
    }
}
