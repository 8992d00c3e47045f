use asynx_core::store::{ParkedEvent, Transactions};
use asynx_core::{Position, StoreError};
use sqlx::{Postgres, Transaction};

use crate::PostgresStore;
use crate::error::store_error;

/// Transactions on the connections that read; how many there are bounds how many are open at once.
impl Transactions for PostgresStore {
    type Transaction = Transaction<'static, Postgres>;

    async fn begin(&self) -> Result<Self::Transaction, StoreError> {
        self.shared.connections.begin().await.map_err(store_error)
    }

    async fn move_in(
        &self,
        transaction: &mut Self::Transaction,
        reader: &str,
        from: Option<Position>,
        to: Option<Position>,
        fence: u64,
    ) -> Result<bool, StoreError> {
        let Ok(fence) = i64::try_from(fence) else {
            return Ok(false);
        };
        let moved = sqlx::query(self.shared.statements.checkpoint_move.get())
            .bind(reader)
            .bind(from.map(|position| position.to_string()))
            .bind(to.map(|position| position.to_string()))
            .bind(fence)
            .execute(&mut **transaction)
            .await;
        moved.map(|done| done.rows_affected() > 0).map_err(store_error)
    }

    async fn park_in(
        &self,
        transaction: &mut Self::Transaction,
        reader: &str,
        event: &ParkedEvent,
    ) -> Result<(), StoreError> {
        self.shared.park(&mut **transaction, reader, event).await
    }

    async fn unpark_in(
        &self,
        transaction: &mut Self::Transaction,
        reader: &str,
        position: Position,
    ) -> Result<bool, StoreError> {
        self.shared.unpark(&mut **transaction, reader, position).await
    }

    async fn commit(&self, mut transaction: Self::Transaction) -> Result<(), StoreError> {
        // Who passes over the error of a statement has an aborted transaction. Its `commit` rolls it back and reports
        // success; any other statement tells.
        sqlx::query("select")
            .execute(&mut *transaction)
            .await
            .map_err(store_error)?;
        transaction.commit().await.map_err(store_error)
    }
}
