use std::fmt;

use asynx_core::store::{ParkedEvent, Transactions};
use asynx_core::{Position, StoreError};
use sqlx::sqlite::SqliteConnection;

use crate::SqliteStore;
use crate::parking::{PARK, UNPARK, number, values};
use crate::statement::Values;
use crate::write::Writing;

const BEGIN: &str = "BEGIN IMMEDIATE";

const MOVE: &str = "UPDATE asynx_checkpoints SET position = ?3
WHERE reader = ?1 AND fence = ?4 AND known = 1 AND position IS ?2 RETURNING 1";

/// A write transaction on the file's one writer. Dropped, it is rolled back.
///
/// While it is open nobody else writes to the file, so it should be short.
pub struct SqliteTransaction(Writing);

impl SqliteTransaction {
    /// The connection that the transaction is open on, to run statements with. Leave the transaction open.
    ///
    /// # Errors
    /// [`StoreError`] where an earlier error has closed it.
    pub fn connection(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        self.0.connection()
    }
}

impl fmt::Debug for SqliteTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteTransaction").finish_non_exhaustive()
    }
}

impl SqliteStore {
    pub(crate) async fn writing(&self) -> Result<Writing, StoreError> {
        let (writing, _) = self.database().begin(BEGIN, Values::default()).await?;
        Ok(writing)
    }
}

impl Transactions for SqliteStore {
    type Transaction = SqliteTransaction;

    async fn begin(&self) -> Result<SqliteTransaction, StoreError> {
        self.writing().await.map(SqliteTransaction)
    }

    async fn move_in(
        &self,
        transaction: &mut SqliteTransaction,
        reader: &str,
        from: Option<Position>,
        to: Option<Position>,
        fence: u64,
    ) -> Result<bool, StoreError> {
        let Ok(fence) = i64::try_from(fence) else {
            return Ok(false);
        };
        let text = |position: Option<Position>| position.map(|position| position.to_string());
        let values = Values::default()
            .text(reader)
            .optional_text(text(from))
            .optional_text(text(to))
            .number(fence);
        let moved = transaction.0.run(MOVE, values).await?;
        Ok(!moved[0].is_empty())
    }

    async fn park_in(
        &self,
        transaction: &mut SqliteTransaction,
        reader: &str,
        event: &ParkedEvent,
    ) -> Result<(), StoreError> {
        transaction.0.run(PARK, values(reader, event)?).await?;
        Ok(())
    }

    async fn unpark_in(
        &self,
        transaction: &mut SqliteTransaction,
        reader: &str,
        position: Position,
    ) -> Result<bool, StoreError> {
        let values = Values::default().text(reader).number(number(position)?);
        let unparked = transaction.0.run(UNPARK, values).await?;
        Ok(!unparked[0].is_empty())
    }

    async fn commit(&self, transaction: SqliteTransaction) -> Result<(), StoreError> {
        Ok(transaction.0.commit().await?)
    }
}
