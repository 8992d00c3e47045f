use asynx_core::StoreError;
use asynx_core::store::{FoundEvent, Head, HeadQuery};
use sqlx::sqlite::SqliteRow;

use crate::database::Database;
use crate::statement::Values;
use crate::{json, row};

/// Head and look-up in one statement, so of one moment (S13). Unknown streams give no row.
const HEADS: &str = "SELECT q.key, s.version, s.floor, s.erased, e.version, e.position, e.record
FROM json_each(?1) AS q
CROSS JOIN asynx_streams AS s INDEXED BY asynx_streams_by_name
    ON s.category = q.value ->> 0 AND s.aggregate_id = q.value ->> 1
LEFT JOIN asynx_events AS e INDEXED BY asynx_events_by_id
    ON e.event_id = unhex(q.value ->> 2) AND e.stream = s.stream";

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
            if let Some(head) = heads.get_mut(row::index(row, 0)?) {
                *head = read(row)?;
            }
        }
        Ok(heads)
    }
}

fn read(row: &SqliteRow) -> Result<Head, StoreError> {
    let floor = row::optional_version(row, 2)?;
    let found = match row::optional_version(row, 4)? {
        Some(version) => Some(FoundEvent {
            version,
            position: Some(row::position(row, 5)?),
            record: row::optional_bytes(row, 6)?,
        }),
        None => None,
    };
    Ok(Head {
        version: row::optional_version(row, 1)?,
        floor,
        erasing: floor > row::optional_version(row, 3)?,
        found,
    })
}
