use async_trait::async_trait;
use asynx_core::store::{Erase, ForgetPolicy, PendingErasure};
use asynx_core::{AggregateId, Category, StoreError, StreamId, Version};
use sqlx::Row as _;

use crate::PostgresStore;
use crate::error::store_error;
use crate::read::version;

#[async_trait]
impl Erase for PostgresStore {
    async fn erase_through(&self, stream: &StreamId, through: Version, policy: ForgetPolicy) -> Result<(), StoreError> {
        let shared = &self.shared;
        let mut transaction = shared.connections.begin().await.map_err(store_error)?;
        let floor: Option<i64> = sqlx::query_scalar(shared.statements.erase_head.get())
            .bind(stream.category.as_str())
            .bind(stream.aggregate_id.as_str())
            .bind(through.as_i64())
            .fetch_optional(&mut *transaction)
            .await
            .map_err(store_error)?;
        let Some(floor) = floor else {
            return Ok(());
        };
        if through.as_i64() > floor {
            return Err(StoreError::permanent(format!(
                "{stream} has no tombstone at or above version {through}: its living events are not erased"
            )));
        }
        let payloads = match policy {
            ForgetPolicy::KeepRows => &shared.statements.erase_payloads,
            ForgetPolicy::EraseAll => &shared.statements.erase_rows,
        };
        let erasing = async {
            shared.fence_snapshots(&mut transaction, stream, through).await?;
            sqlx::query(payloads.get())
                .bind(stream.category.as_str())
                .bind(stream.aggregate_id.as_str())
                .bind(through.as_i64())
                .execute(&mut *transaction)
                .await
        };
        erasing.await.map_err(store_error)?;
        shared.commit_erased(transaction, stream, self.reading.as_ref()).await
    }

    async fn pending(&self, category: &Category) -> Result<Vec<PendingErasure>, StoreError> {
        let mut connection = self.shared.connections.reader().await.map_err(store_error)?;
        let rows = sqlx::query(self.shared.statements.erase_pending.get())
            .bind(category.as_str())
            .fetch_all(&mut *connection)
            .await
            .map_err(store_error)?;
        let pending = rows.iter().map(|row| {
            let missing = || sqlx::Error::Protocol("a floor is no version".to_owned());
            let id =
                AggregateId::parse(row.try_get::<&str, _>(0)?).map_err(|error| sqlx::Error::Decode(error.into()))?;
            Ok(PendingErasure {
                stream: StreamId {
                    category: category.clone(),
                    aggregate_id: id,
                },
                tombstone: version(row, 1)?.ok_or_else(missing)?,
            })
        });
        pending.collect::<Result<_, _>>().map_err(store_error)
    }
}
