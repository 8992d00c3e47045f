use std::time::Duration;

use async_trait::async_trait;
use asynx_core::store::{HeldLease, Leases};
use asynx_core::{StoreError, Timestamp};

use crate::PostgresStore;
use crate::error::store_error;
use crate::writer::micros;

/// The server's clock is the one that counts.
#[async_trait]
impl Leases for PostgresStore {
    async fn acquire(&self, name: &str, holder: &str, time: Duration, _: Timestamp) -> Result<Option<u64>, StoreError> {
        let mut connection = self.shared.connections.background().await.map_err(store_error)?;
        let token: Option<i64> = sqlx::query_scalar(self.shared.statements.lease_acquire.get())
            .bind(name)
            .bind(holder)
            .bind(micros(time))
            .fetch_optional(&mut *connection)
            .await
            .map_err(store_error)?;
        Ok(token.map(i64::unsigned_abs))
    }

    async fn renew(&self, name: &str, token: u64, time: Duration, _: Timestamp) -> Result<bool, StoreError> {
        let Ok(token) = i64::try_from(token) else {
            return Ok(false);
        };
        let mut connection = self.shared.connections.background().await.map_err(store_error)?;
        let renewed = sqlx::query(self.shared.statements.lease_renew.get())
            .bind(name)
            .bind(token)
            .bind(micros(time))
            .execute(&mut *connection)
            .await;
        renewed.map(|done| done.rows_affected() > 0).map_err(store_error)
    }

    async fn release(&self, name: &str, token: u64) -> Result<bool, StoreError> {
        let Ok(token) = i64::try_from(token) else {
            return Ok(false);
        };
        let mut connection = self.shared.connections.background().await.map_err(store_error)?;
        let released = sqlx::query(self.shared.statements.lease_release.get())
            .bind(name)
            .bind(token)
            .execute(&mut *connection)
            .await;
        released.map(|done| done.rows_affected() > 0).map_err(store_error)
    }

    async fn held(&self, prefix: &str, _: Timestamp) -> Result<Vec<HeldLease>, StoreError> {
        let mut connection = self.shared.connections.background().await.map_err(store_error)?;
        let held: Vec<(String, String)> = sqlx::query_as(self.shared.statements.lease_held.get())
            .bind(prefix)
            .fetch_all(&mut *connection)
            .await
            .map_err(store_error)?;
        Ok(held
            .into_iter()
            .map(|(name, holder)| HeldLease { name, holder })
            .collect())
    }
}
