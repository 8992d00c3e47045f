use std::fmt;
use std::time::Duration;

use asynx_core::{Position, StoreError};
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use crate::PostgresStore;
use crate::error::store_error;
use crate::log::position;

/// Up to where the log is final, and what holds it back.
///
/// Readers are given what no write that is still under way could precede. Any transaction of the whole server that has
/// written, in any database, holds back the events that are stored after it began to write.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Watermark {
    /// What comes before this is final.
    pub position: Position,
    /// The oldest write that is under way, if there is one.
    pub blocker: Option<Blocker>,
}

/// A transaction that has written and is not over.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Blocker {
    /// The process of the session, which `pg_terminate_backend` ends; `None` for a prepared transaction.
    pub pid: Option<i32>,
    /// The name of a prepared transaction, which `rollback prepared` ends.
    pub prepared: Option<String>,
    /// In which database.
    pub database: Option<String>,
    /// By which role.
    pub role: Option<String>,
    /// What the session calls itself.
    pub application_name: String,
    /// What the session does, such as `active` or `idle in transaction`; `None` where the store's role may not see it:
    /// grant it `pg_read_all_stats`.
    pub state: Option<String>,
    /// How long ago the transaction began, or was prepared; `None` where the store's role may not see it.
    pub age: Option<Duration>,
}

impl Watermark {
    /// For how long readers may have been held back: the age of the blocker, zero where there is none.
    #[must_use]
    pub fn age(&self) -> Duration {
        let age = self.blocker.as_ref().and_then(|blocker| blocker.age);
        age.unwrap_or_default()
    }
}

impl fmt::Display for Blocker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.prepared, self.pid) {
            (Some(prepared), _) => write!(f, "prepared transaction {prepared:?}")?,
            (None, Some(pid)) => write!(f, "session {pid}")?,
            (None, None) => write!(f, "a transaction")?,
        }
        if !self.application_name.is_empty() {
            write!(f, " of {:?}", self.application_name)?;
        }
        if let Some(database) = &self.database {
            write!(f, " in database {database:?}")?;
        }
        if let Some(role) = &self.role {
            write!(f, " by role {role:?}")?;
        }
        if let Some(state) = &self.state {
            write!(f, ", {state}")?;
        }
        if let Some(age) = self.age {
            write!(f, ", for {age:.1?}")?;
        }
        Ok(())
    }
}

impl PostgresStore {
    /// Up to where the log is final now, and what holds readers of the log back. On a standby the writes of its primary
    /// hold readers back as well, and cannot be named. With the feature `metrics` it tells the watermark's age: ask every
    /// few seconds to have it watched.
    ///
    /// # Errors
    /// [`StoreError`] when the server cannot be asked.
    ///
    /// # Cancel safety
    /// Nothing is changed.
    pub async fn watermark(&self) -> Result<Watermark, StoreError> {
        let mut connection = self.shared.connections.background().await.map_err(store_error)?;
        let row = sqlx::query(self.shared.statements.watermark.get())
            .fetch_one(&mut *connection)
            .await;
        let watermark = row.and_then(|row| watermark(&row)).map_err(store_error)?;
        asynx_observe::watermark_age(watermark.age());
        Ok(watermark)
    }
}

fn watermark(row: &PgRow) -> Result<Watermark, sqlx::Error> {
    let (pid, prepared): (Option<i32>, Option<String>) = (row.try_get(2)?, row.try_get(3)?);
    let blocker = if pid.is_none() && prepared.is_none() {
        None
    } else {
        let micros: Option<i64> = row.try_get(8)?;
        Some(Blocker {
            pid,
            prepared,
            database: row.try_get(4)?,
            role: row.try_get(5)?,
            application_name: row.try_get::<Option<String>, _>(6)?.unwrap_or_default(),
            state: row.try_get(7)?,
            age: micros.map(|micros| Duration::from_micros(u64::try_from(micros).unwrap_or(0))),
        })
    };
    Ok(Watermark {
        position: position(row.try_get(0)?, row.try_get(1)?, 0),
        blocker,
    })
}
