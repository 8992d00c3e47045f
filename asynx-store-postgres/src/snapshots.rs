use async_trait::async_trait;
use asynx_core::store::{Snapshot, SnapshotStore};
use asynx_core::{SchemaVersion, StoreError, StreamId, Version};
use sqlx::Row as _;

use crate::PostgresStore;
use crate::error::store_error;
use crate::read::version;
use crate::store::Shared;

#[async_trait]
impl SnapshotStore for PostgresStore {
    async fn put(&self, stream: &StreamId, snapshot: Snapshot) -> Result<(), StoreError> {
        let mut connection = self.shared.connections.reader().await.map_err(store_error)?;
        let put = sqlx::query(self.shared.statements.snapshot_put.get())
            .bind(stream.category.as_str())
            .bind(stream.aggregate_id.as_str())
            .bind(i64::from(snapshot.schema_version.get()))
            .bind(snapshot.version.as_i64())
            .bind(&snapshot.document[..])
            .execute(&mut *connection)
            .await;
        put.map_err(store_error)?;
        connection.keep();
        Ok(())
    }

    async fn get(&self, stream: &StreamId, schema_version: SchemaVersion) -> Result<Option<Snapshot>, StoreError> {
        let mut connection = self.shared.connections.reader().await.map_err(store_error)?;
        let row = sqlx::query(self.shared.statements.snapshot_get.get())
            .bind(stream.category.as_str())
            .bind(stream.aggregate_id.as_str())
            .bind(i64::from(schema_version.get()))
            .fetch_optional(&mut *connection)
            .await;
        let parsed = row.and_then(|row| {
            let Some(row) = row else { return Ok(None) };
            let document: Vec<u8> = row.try_get(1)?;
            Ok(version(&row, 0)?.map(|version| Snapshot {
                version,
                schema_version,
                document: document.into(),
            }))
        });
        parsed.map_err(store_error)
    }

    async fn delete_through(&self, stream: &StreamId, through: Version) -> Result<(), StoreError> {
        let deleting = async {
            let mut transaction = self.shared.connections.begin().await?;
            self.shared.fence_snapshots(&mut transaction, stream, through).await?;
            transaction.commit().await
        };
        deleting.await.map_err(store_error)
    }
}

impl Shared {
    /// Two statements: the second sees what a put stored for whose lock the first waited.
    pub(crate) async fn fence_snapshots(
        &self,
        transaction: &mut sqlx::PgConnection,
        stream: &StreamId,
        through: Version,
    ) -> Result<(), sqlx::Error> {
        for statement in [&self.statements.snapshot_fence, &self.statements.snapshot_delete] {
            sqlx::query(statement.get())
                .bind(stream.category.as_str())
                .bind(stream.aggregate_id.as_str())
                .bind(through.as_i64())
                .execute(&mut *transaction)
                .await?;
        }
        Ok(())
    }
}
