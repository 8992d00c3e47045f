use asynx_core::StoreError;
use sqlx::AssertSqlSafe;

use super::identity::{ASK, Identity};
use super::{APPLICATION_ID, MIGRATIONS, NEWEST};
use crate::error::is_read_only;
use crate::patience::Patience;
use crate::pool::Held;
use crate::row;
use crate::statement::{Failed, Values, run};

/// Makes a file ready to be used; an error where it is not ours or cannot be written.
pub(crate) async fn prepare(
    held: &mut Held,
    name: &str,
    patience: &Patience,
    in_memory: bool,
) -> Result<(), StoreError> {
    let asked = patience.run(held.connection()?, ASK, Values::default()).await;
    let asked = asked.map_err(|failed| held.explained(failed.error))?;
    let identity = Identity::of(name, row::only(&asked)?)?;
    // Nothing is changed before it is known whose file it is.
    if !in_memory {
        write_ahead(held, name, patience).await?;
    }
    match identity {
        Identity::Ours(NEWEST) => is_writable(held).await,
        Identity::Ours(_) | Identity::Empty => migrate(held, name, patience).await,
    }
}

/// The log in WAL mode is what lets readers and a writer work side by side.
async fn write_ahead(held: &mut Held, name: &str, patience: &Patience) -> Result<(), StoreError> {
    let set = patience.run(held.connection()?, "PRAGMA journal_mode = WAL", Values::default());
    let set = set.await.map_err(|failed| held.explained(failed.error))?;
    match &*row::text(row::only(&set)?, 0)? {
        "wal" => Ok(()),
        mode => Err(StoreError::permanent(format!(
            "{name} cannot be used with a write-ahead log, its journal stays {mode:?}: is it on a network file system?"
        ))),
    }
}

/// SQLite opens a file that it may not write without a word. It looks at that before it looks for locks.
async fn is_writable(held: &mut Held) -> Result<(), StoreError> {
    held.unsound();
    let tried = run(held.connection()?, "BEGIN IMMEDIATE; ROLLBACK", Values::default()).await;
    match tried {
        Err(failed) if is_read_only(&failed.error) => Err(held.explained(failed.error)),
        Ok(_) | Err(Failed { after: 0, .. }) => {
            held.sound();
            Ok(())
        }
        Err(failed) => Err(held.explained(failed.error)),
    }
}

/// Several processes may do this at the same time: the first one migrates, the others find it done.
async fn migrate(held: &mut Held, name: &str, patience: &Patience) -> Result<(), StoreError> {
    held.unsound();
    let begin = format!("BEGIN IMMEDIATE; {ASK}");
    let begun = patience.run(held.connection()?, AssertSqlSafe(begin), Values::default());
    let begun = begun.await.map_err(|failed| held.explained(failed.error))?;
    let missing = match Identity::of(name, row::only(&begun)?)? {
        Identity::Empty => MIGRATIONS,
        Identity::Ours(version) => &MIGRATIONS[version..],
    };
    for migration in missing {
        execute(held, *migration).await?;
    }
    let marks = format!("PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {NEWEST}; COMMIT");
    execute(held, AssertSqlSafe(marks)).await?;
    held.sound();
    Ok(())
}

async fn execute(held: &mut Held, sql: impl sqlx::SqlSafeStr) -> Result<(), StoreError> {
    let done = sqlx::raw_sql(sql).execute(held.connection()?).await;
    done.map(drop).map_err(|error| held.explained(error))
}
