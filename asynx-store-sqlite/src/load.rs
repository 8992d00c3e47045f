use asynx_core::store::{Load, Loaded, Snapshot};
use asynx_core::{SchemaVersion, StoreError, Version};
use sqlx::sqlite::SqliteRow;

use crate::database::Database;
use crate::read::stored;
use crate::statement::Values;
use crate::{json, row};

/// Heads, snapshots and events in one statement, so of one moment (S14). Two kinds of rows: one for each known stream,
/// and one for each of its events. Unknown streams give none.
const LOAD: &str = "WITH wanted AS MATERIALIZED (
    SELECT q.key AS number, s.stream, s.version AS head, s.floor, p.version AS snapshot, p.schema_version,
        max(coalesce(q.value ->> 2, p.version + 1, 1), s.floor + 1) AS start, q.value ->> 4 AS most
    FROM json_each(?1) AS q
    CROSS JOIN asynx_streams AS s INDEXED BY asynx_streams_by_name
        ON s.category = q.value ->> 0 AND s.aggregate_id = q.value ->> 1
    LEFT JOIN asynx_snapshots AS p
        ON q.value ->> 2 IS NULL AND p.stream = s.stream AND p.schema_version = q.value ->> 3 AND p.version > s.floor
)
SELECT w.number, 0, w.head, w.floor, w.start, w.snapshot, w.schema_version, p.document
FROM wanted AS w
LEFT JOIN asynx_snapshots AS p ON p.stream = w.stream AND p.schema_version = w.schema_version
UNION ALL
SELECT w.number, 1, e.version, e.position, e.record, NULL, NULL, NULL
FROM wanted AS w
CROSS JOIN asynx_events AS e INDEXED BY asynx_events_by_version
    ON e.stream = w.stream AND e.version >= w.start AND e.version < w.start + w.most";

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
        let mut loaded = vec![Loaded::default(); loads.len()];
        // SQLite gives the parts of a union one after the other, but does not promise it.
        let (events, streams): (Vec<_>, Vec<_>) = rows.iter().partition(|row| row::number(row, 1).is_ok_and(is_event));
        for row in events {
            if let Some(loaded) = loaded.get_mut(row::index(row, 0)?) {
                loaded.events.push(stored(row, 2)?);
            }
        }
        for row in streams {
            if let Some(loaded) = loaded.get_mut(row::index(row, 0)?) {
                complete(loaded, row)?;
            }
        }
        Ok(loaded)
    }
}

const fn is_event(kind: i64) -> bool {
    kind == 1
}

/// Adds what is known of the stream to its events.
fn complete(loaded: &mut Loaded, row: &SqliteRow) -> Result<(), StoreError> {
    loaded.events.sort_by_key(|event| event.version);
    loaded.head = row::optional_version(row, 2)?;
    loaded.floor = row::optional_version(row, 3)?;
    let start = row::version(row, 4)?;
    if let Some(version) = row::optional_version(row, 5)? {
        loaded.snapshot = Some(Snapshot {
            version,
            schema_version: row::schema_version(row, 6)?,
            document: row::bytes(row, 7)?,
        });
    }
    let living = loaded.head.map_or(0, Version::get).saturating_sub(start.get() - 1);
    loaded.more = living > loaded.events.len() as u64;
    Ok(())
}
