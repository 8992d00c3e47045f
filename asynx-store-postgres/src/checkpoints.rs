use async_trait::async_trait;
use asynx_core::store::{Checkpoint, Checkpoints};
use asynx_core::{Position, StoreError};
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use crate::PostgresStore;
use crate::error::store_error;

#[async_trait]
impl Checkpoints for PostgresStore {
    async fn get(&self, reader: &str) -> Result<Option<Checkpoint>, StoreError> {
        let mut connection = self.shared.connections.reader().await.map_err(store_error)?;
        let row = sqlx::query(self.shared.statements.checkpoint_get.get())
            .bind(reader)
            .fetch_optional(&mut *connection)
            .await
            .map_err(store_error)?;
        connection.keep();
        row.as_ref().map(checkpoint).transpose().map_err(store_error)
    }

    async fn claim(&self, reader: &str) -> Result<Checkpoint, StoreError> {
        let mut connection = self.shared.connections.reader().await.map_err(store_error)?;
        let row = sqlx::query(self.shared.statements.checkpoint_claim.get())
            .bind(reader)
            .fetch_one(&mut *connection)
            .await;
        row.and_then(|row| checkpoint(&row)).map_err(store_error)
    }

    async fn put(&self, reader: &str, position: Option<Position>, fence: u64) -> Result<bool, StoreError> {
        let Ok(fence) = i64::try_from(fence) else {
            return Ok(false);
        };
        let mut connection = self.shared.connections.reader().await.map_err(store_error)?;
        let put = sqlx::query(self.shared.statements.checkpoint_put.get())
            .bind(reader)
            .bind(position.map(|position| position.to_string()))
            .bind(fence)
            .execute(&mut *connection)
            .await
            .map_err(store_error)?;
        connection.keep();
        Ok(put.rows_affected() > 0)
    }

    async fn remove(&self, reader: &str, fence: u64) -> Result<bool, StoreError> {
        let Ok(fence) = i64::try_from(fence) else {
            return Ok(false);
        };
        let mut connection = self.shared.connections.reader().await.map_err(store_error)?;
        let removed = sqlx::query(self.shared.statements.checkpoint_remove.get())
            .bind(reader)
            .bind(fence)
            .execute(&mut *connection)
            .await;
        removed.map(|done| done.rows_affected() > 0).map_err(store_error)
    }
}

fn checkpoint(row: &PgRow) -> Result<Checkpoint, sqlx::Error> {
    let position: Option<&str> = row.try_get(0)?;
    let position = position.map(str::parse).transpose();
    Ok(Checkpoint {
        position: position.map_err(|error| sqlx::Error::Decode(Box::new(error)))?,
        fence: row.try_get::<i64, _>(1)?.unsigned_abs(),
    })
}
