use std::fmt;

use asynx_core::store::{ParkedEvent, Transactions};
use asynx_core::{Position, StoreError};
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use crate::SqliteStore;
use crate::parking::{PARK, UNPARK, number, values};
use crate::statement::Values;
use crate::write::Writing;

/// The savepoint tells whether the transaction is still the one that was begun: some errors, such as a full disk, end a
/// transaction, and who does not look at them would go on outside of any.
const BEGIN: &str = "BEGIN IMMEDIATE; SAVEPOINT asynx_open";

pub(crate) const STILL_OPEN: &str = "RELEASE asynx_open; SAVEPOINT asynx_open";

const COMMIT: &str = "RELEASE asynx_open; COMMIT";

pub(crate) const MOVE: &str = "UPDATE asynx_checkpoints SET position = ?3
WHERE reader = ?1 AND fence = ?4 AND known = 1 AND position IS ?2 RETURNING 1";

/// A write transaction on the file's one writer. Dropped, it is rolled back.
///
/// While it is open nobody else writes to the file, so it should be short.
pub struct SqliteTransaction(Writing);

impl SqliteTransaction {
    /// The connection that the transaction is open on, to run statements with. Leave the transaction open, and let no
    /// error pass: some roll it back, and what is written after that is written outside of it.
    ///
    /// # Errors
    /// [`StoreError`] where an earlier error has closed it.
    pub fn connection(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        self.0.connection()
    }

    /// Of a transaction whose savepoint is open.
    pub(crate) const fn of(writing: Writing) -> Self {
        Self(writing)
    }

    pub(crate) fn into_writing(self) -> Writing {
        self.0
    }

    /// Runs a statement of ours, if the transaction is still open.
    pub(crate) async fn run(&mut self, sql: &'static str, values: Values) -> Result<Vec<SqliteRow>, StoreError> {
        self.0.run(STILL_OPEN, Values::default()).await.map_err(ended)?;
        let statements = self.0.run(sql, values).await?;
        Ok(statements.into_iter().next().unwrap_or_default())
    }
}

fn ended(cause: StoreError) -> StoreError {
    StoreError::transient("the transaction was ended by one of its statements, so nothing of it is kept")
        .caused_by(cause)
}

impl fmt::Debug for SqliteTransaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteTransaction").finish_non_exhaustive()
    }
}

impl SqliteStore {
    pub(crate) async fn writing(&self) -> Result<Writing, StoreError> {
        let (writing, _) = self.database().begin("BEGIN IMMEDIATE", Values::default()).await?;
        Ok(writing)
    }
}

impl Transactions for SqliteStore {
    type Transaction = SqliteTransaction;

    async fn begin(&self) -> Result<SqliteTransaction, StoreError> {
        let (writing, _) = self.database().begin(BEGIN, Values::default()).await?;
        Ok(SqliteTransaction(writing))
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
        let moved = transaction.run(MOVE, values).await?;
        Ok(!moved.is_empty())
    }

    async fn park_in(
        &self,
        transaction: &mut SqliteTransaction,
        reader: &str,
        event: &ParkedEvent,
    ) -> Result<(), StoreError> {
        transaction.run(PARK, values(reader, event)?).await.map(drop)
    }

    async fn unpark_in(
        &self,
        transaction: &mut SqliteTransaction,
        reader: &str,
        position: Position,
    ) -> Result<bool, StoreError> {
        let values = Values::default().text(reader).number(number(position)?);
        let unparked = transaction.run(UNPARK, values).await?;
        Ok(!unparked.is_empty())
    }

    async fn commit(&self, transaction: SqliteTransaction) -> Result<(), StoreError> {
        Ok(transaction.0.commit_with(COMMIT, Values::default(), 1).await?)
    }
}
