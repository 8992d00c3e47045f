use async_trait::async_trait;
use asynx_core::store::{Snapshot, SnapshotStore};
use asynx_core::{SchemaVersion, StoreError, StreamId, Version};

use crate::SqliteStore;
use crate::read::of_stream;
use crate::row;

/// A snapshot may come before any event of its stream: who puts it need not know.
const PUT: &str = "BEGIN IMMEDIATE;
INSERT INTO asynx_streams (category, aggregate_id, version) VALUES (?1, ?2, 0) ON CONFLICT DO NOTHING;
INSERT INTO asynx_snapshots (stream, schema_version, version, document)
    SELECT stream, ?3, ?4, ?5 FROM asynx_streams WHERE category = ?1 AND aggregate_id = ?2 AND fence < ?4
    ON CONFLICT (stream, schema_version) DO UPDATE SET version = excluded.version, document = excluded.document
    WHERE excluded.version >= version;
COMMIT";

const GET: &str = "SELECT p.version, p.document
FROM asynx_streams AS s INDEXED BY asynx_streams_by_name
CROSS JOIN asynx_snapshots AS p ON p.stream = s.stream AND p.schema_version = ?3
WHERE s.category = ?1 AND s.aggregate_id = ?2";

const DELETE: &str = "BEGIN IMMEDIATE;
INSERT INTO asynx_streams (category, aggregate_id, version, fence) VALUES (?1, ?2, 0, ?3)
    ON CONFLICT (category, aggregate_id) DO UPDATE SET fence = max(fence, excluded.fence);
DELETE FROM asynx_snapshots WHERE version <= ?3
    AND stream = (SELECT stream FROM asynx_streams WHERE category = ?1 AND aggregate_id = ?2);
COMMIT";

#[async_trait]
impl SnapshotStore for SqliteStore {
    async fn put(&self, stream: &StreamId, snapshot: Snapshot) -> Result<(), StoreError> {
        let values = of_stream(stream)
            .number(snapshot.schema_version.get().into())
            .number(snapshot.version.as_i64())
            .blob(&snapshot.document);
        self.database().write(PUT, values).await.map(drop)
    }

    async fn get(&self, stream: &StreamId, schema_version: SchemaVersion) -> Result<Option<Snapshot>, StoreError> {
        let values = of_stream(stream).number(schema_version.get().into());
        let rows = self.database().read(GET, values).await?;
        let found = rows.first().map(|row| -> Result<_, StoreError> {
            Ok(Snapshot {
                version: row::version(row, 0)?,
                schema_version,
                document: row::bytes(row, 1)?,
            })
        });
        found.transpose()
    }

    async fn delete_through(&self, stream: &StreamId, through: Version) -> Result<(), StoreError> {
        let values = of_stream(stream).number(through.as_i64());
        self.database().write(DELETE, values).await.map(drop)
    }
}
