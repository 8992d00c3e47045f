use asynx_core::StoreError;
use sqlx::SqlSafeStr;
use sqlx::sqlite::{SqliteConnection, SqliteRow};

use crate::database::Database;
use crate::error::{is_busy, is_full};
use crate::pool::Held;
use crate::statement::{Values, run};

/// A write transaction that is under way. Dropped, it is rolled back.
///
/// Each is begun by `BEGIN IMMEDIATE`: a transaction that reads first and writes then fails at once when somebody else
/// committed in between, whatever the busy timeout. With the lock in hand nothing in it can find the file locked.
pub(crate) struct Writing {
    held: Held,
    /// An error has rolled it back.
    over: bool,
}

/// Why a commit failed.
pub(crate) enum Uncommitted {
    /// It is rolled back for good.
    No(StoreError),
    /// It may be there after a crash, or may not.
    Unknown(StoreError),
}

impl Database {
    /// Begins a write transaction by a text whose first statement is `BEGIN IMMEDIATE`. Waits for the transactions of
    /// other processes, up to the busy timeout. The rows of each statement of the text.
    pub(crate) async fn begin(
        &self,
        sql: &'static str,
        values: Values,
    ) -> Result<(Writing, Vec<Vec<SqliteRow>>), StoreError> {
        let mut held = self.writer.take().await?;
        held.unsound();
        let begun = self.patience.run(held.connection()?, sql, values).await;
        let mut writing = Writing { held, over: false };
        match begun {
            Ok(rows) => Ok((writing, rows)),
            Err(failed) => {
                writing.undo().await;
                Err(writing.held.explained(failed.error))
            }
        }
    }

    /// Runs a text from `BEGIN IMMEDIATE` to `COMMIT`. The rows of each of its statements.
    ///
    /// An error may come although it was committed: for writes that may be done again.
    pub(crate) async fn write(&self, sql: &'static str, values: Values) -> Result<Vec<Vec<SqliteRow>>, StoreError> {
        let (mut writing, rows) = self.begin(sql, values).await?;
        writing.held.sound();
        Ok(rows)
    }
}

impl Writing {
    pub(crate) fn connection(&mut self) -> Result<&mut SqliteConnection, StoreError> {
        match self.over {
            true => Err(StoreError::transient("an error has rolled the transaction back")),
            false => self.held.connection(),
        }
    }

    /// Runs a text in the transaction. After an error it is rolled back.
    pub(crate) async fn run(
        &mut self,
        sql: impl SqlSafeStr,
        values: Values,
    ) -> Result<Vec<Vec<SqliteRow>>, StoreError> {
        match run(self.connection()?, sql, values).await {
            Ok(rows) => Ok(rows),
            Err(failed) => {
                self.undo().await;
                Err(self.held.explained(failed.error))
            }
        }
    }

    /// Commits.
    pub(crate) async fn commit(self) -> Result<(), Uncommitted> {
        self.commit_with("COMMIT", Values::default(), 0).await
    }

    /// Runs a text of so many statements and a `COMMIT` at its end. What fails before the commit is rolled back.
    pub(crate) async fn commit_with(
        mut self,
        sql: &'static str,
        values: Values,
        statements: usize,
    ) -> Result<(), Uncommitted> {
        let connection = self.connection().map_err(Uncommitted::No)?;
        match run(connection, sql, values).await {
            Ok(_) => {
                self.held.sound();
                Ok(())
            }
            Err(failed) => {
                let known = failed.after < statements || is_undone(&failed.error);
                self.undo().await;
                let error = self.held.explained(failed.error);
                Err(match known {
                    true => Uncommitted::No(error),
                    false => Uncommitted::Unknown(error),
                })
            }
        }
    }

    /// Nothing of it remains.
    pub(crate) async fn roll_back(mut self) {
        self.undo().await;
    }

    /// Where it cannot be rolled back the connection stays unsound and is closed.
    async fn undo(&mut self) {
        self.over = true;
        let Ok(connection) = self.held.connection() else {
            return;
        };
        match run(connection, "ROLLBACK", Values::default()).await {
            Ok(_) => self.held.sound(),
            // The error did it already: there is no transaction.
            Err(failed) if is_over(&failed.error) => self.held.sound(),
            Err(_) => {}
        }
    }
}

impl From<Uncommitted> for StoreError {
    fn from(uncommitted: Uncommitted) -> Self {
        match uncommitted {
            Uncommitted::No(error) | Uncommitted::Unknown(error) => error,
        }
    }
}

/// Whether nothing is left of a transaction whose commit failed with this error.
///
/// A commit fails at the disk, in the middle of writing the log or after it: what is there of the transaction would come
/// to life if the log had to be read again after a crash. Two errors are better known:
/// - SQLITE_BUSY leaves the transaction open, to be rolled back
///   (<https://www.sqlite.org/lang_transaction.html>, "the COMMIT command may fail with SQLITE_BUSY").
/// - SQLITE_FULL: the log could not be made longer, so the last frame, without which nothing before it counts
///   (<https://www.sqlite.org/fileformat2.html#the_write_ahead_log>), is not whole, and the transaction is rolled
///   back (<https://www.sqlite.org/lang_transaction.html>, "response to errors within a transaction").
pub(crate) fn is_undone(error: &sqlx::Error) -> bool {
    is_busy(error) || is_full(error)
}

/// SQLITE_ERROR has many reasons; this one is asked for by its words, which have not changed since 2004.
fn is_over(error: &sqlx::Error) -> bool {
    let error = error.as_database_error();
    error.is_some_and(|error| error.message().contains("no transaction is active"))
}
