use asynx_core::store::{FoundEvent, Head, HeadQuery};
use asynx_core::{StoreError, Version};

use crate::database::Database;
use crate::statement::Values;
use crate::{json, row};

/// Heads and look-ups in one statement, so of one moment (S13). Unknown streams give nothing.
///
/// The heads are one row, since each row is a message from the connection's thread; what was found are more rows.
pub(crate) const HEADS: &str = "WITH asked AS MATERIALIZED (
    SELECT q.key AS number, s.stream, s.version, s.floor, s.erased, unhex(q.value ->> 2) AS event_id
    FROM json_each(?1) AS q
    CROSS JOIN asynx_streams AS s INDEXED BY asynx_streams_by_name
        ON s.category = q.value ->> 0 AND s.aggregate_id = q.value ->> 1
)
SELECT NULL, json_group_array(json_array(w.number, w.version, w.floor, w.erased)), NULL, NULL FROM asked AS w
UNION ALL
SELECT w.number, e.version, e.position, e.record
FROM asked AS w
CROSS JOIN asynx_events AS e INDEXED BY asynx_events_by_id ON e.event_id = w.event_id AND e.stream = w.stream";

impl Database {
    pub(crate) async fn heads(&self, queries: &[HeadQuery]) -> Result<Vec<Head>, StoreError> {
        if queries.is_empty() {
            return Ok(Vec::new());
        }
        let questions: Vec<_> = queries
            .iter()
            .map(|query| {
                let id = query.event_id.map(|id| id.as_uuid().simple().to_string());
                let stream = &query.stream;
                (stream.category.as_str(), stream.aggregate_id.as_str(), id)
            })
            .collect();
        let rows = self.read(HEADS, Values::default().text(json::text(&questions))).await?;
        let mut heads = vec![Head::default(); queries.len()];
        for row in &rows {
            if row::optional_number(row, 0)?.is_none() {
                tell_heads(&mut heads, row::json(row, 1)?);
            } else if let Some(head) = heads.get_mut(row::index(row, 0)?) {
                head.found = Some(FoundEvent {
                    version: row::version(row, 1)?,
                    position: Some(row::position(row, 2)?),
                    record: row::optional_bytes(row, 3)?,
                });
            }
        }
        Ok(heads)
    }
}

/// Number, version, floor and how far it is erased, of each stream that is known.
fn tell_heads(heads: &mut [Head], known: Vec<(usize, u64, u64, u64)>) {
    for (number, version, floor, erased) in known {
        if let Some(head) = heads.get_mut(number) {
            head.version = Version::new(version);
            head.floor = Version::new(floor);
            head.erasing = floor > erased;
        }
    }
}
