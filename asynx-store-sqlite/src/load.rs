use asynx_core::store::{Load, Loaded, Snapshot};
use asynx_core::{SchemaVersion, StoreError, Version};
use sqlx::sqlite::SqliteRow;

use crate::database::Database;
use crate::read::stored;
use crate::statement::Values;
use crate::{json, row};

/// Heads, snapshots and events in one statement, so of one moment (S14). Unknown streams give no rows.
pub(crate) const LOAD: &str = "WITH wanted AS MATERIALIZED (
    SELECT q.key AS number, s.stream, s.version AS head, s.floor, p.schema_version,
        max(coalesce(q.value ->> 2, p.version + 1, 1), s.floor + 1) AS start, q.value ->> 4 AS most
    FROM json_each(?1) AS q
    CROSS JOIN asynx_streams AS s INDEXED BY asynx_streams_by_name
        ON s.category = q.value ->> 0 AND s.aggregate_id = q.value ->> 1
    LEFT JOIN asynx_snapshots AS p
        ON q.value ->> 2 IS NULL AND p.stream = s.stream AND p.schema_version = q.value ->> 3 AND p.version > s.floor
)
SELECT w.number, 0, w.head, w.floor, w.start FROM wanted AS w
UNION ALL
SELECT w.number, 1, p.version, p.schema_version, p.document
FROM wanted AS w
CROSS JOIN asynx_snapshots AS p ON p.stream = w.stream AND p.schema_version = w.schema_version
UNION ALL
SELECT w.number, 2, e.version, e.position, e.record
FROM wanted AS w
CROSS JOIN asynx_events AS e INDEXED BY asynx_events_by_version
    ON e.stream = w.stream AND e.version >= w.start AND e.version < w.start + w.most";

/// The kinds of its rows.
const STREAM: i64 = 0;
const SNAPSHOT: i64 = 1;

/// More events than that are never given by one load.
const MOST: usize = u32::MAX as usize;

impl Database {
    pub(crate) async fn load(&self, loads: &[Load]) -> Result<Vec<Loaded>, StoreError> {
        if loads.is_empty() {
            return Ok(Vec::new());
        }
        let questions: Vec<_> = loads
            .iter()
            .map(|load| {
                (
                    load.stream.category.as_str(),
                    load.stream.aggregate_id.as_str(),
                    load.from.map(Version::get),
                    load.snapshot.map(SchemaVersion::get),
                    load.limit.min(MOST),
                )
            })
            .collect();
        let rows = self.read(LOAD, Values::default().text(json::text(&questions))).await?;
        let mut loaded: Vec<_> = loads.iter().map(|_| (Loaded::default(), Version::FIRST)).collect();
        for row in &rows {
            let Some((loaded, start)) = loaded.get_mut(row::index(row, 0)?) else {
                continue;
            };
            match row::number(row, 1)? {
                STREAM => {
                    loaded.head = row::optional_version(row, 2)?;
                    loaded.floor = row::optional_version(row, 3)?;
                    *start = row::version(row, 4)?;
                }
                SNAPSHOT => loaded.snapshot = Some(snapshot(row)?),
                _ => loaded.events.push(stored(row, 2)?),
            }
        }
        Ok(loaded.into_iter().map(complete).collect())
    }
}

fn snapshot(row: &SqliteRow) -> Result<Snapshot, StoreError> {
    Ok(Snapshot {
        version: row::version(row, 2)?,
        schema_version: row::schema_version(row, 3)?,
        document: row::bytes(row, 4)?,
    })
}

/// Adds what follows from the rest. SQLite gives the parts of a union one after the other and the events by the index,
/// but does not promise it.
fn complete((mut loaded, start): (Loaded, Version)) -> Loaded {
    loaded.events.sort_by_key(|event| event.version);
    let living = loaded.head.map_or(0, Version::get).saturating_sub(start.get() - 1);
    loaded.more = living > loaded.events.len() as u64;
    loaded
}
