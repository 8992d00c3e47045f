use asynx_core::StoreError;
use sqlx::AssertSqlSafe;

use super::identity::{ASK, Identity};
use super::{APPLICATION_ID, MIGRATIONS, NEWEST, statistics};
use crate::error::is_busy;
use crate::patience::Patience;
use crate::pool::Held;
use crate::row;
use crate::statement::{Values, run};

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
        Identity::Ours(NEWEST) => is_writable(held).await?,
        Identity::Ours(_) | Identity::Empty => migrate(held, name, patience).await?,
    }
    if statistics::forget(held, patience).await? {
        // The next connection plans without them.
        held.unsound();
    }
    Ok(())
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

/// Changes nothing, and fails where nothing can be changed. `BEGIN IMMEDIATE` alone does not: of a file that is read-only
/// it makes a transaction that reads.
const TRY: &str = "BEGIN IMMEDIATE; UPDATE asynx_leases SET generation = 0 WHERE lease = 0; ROLLBACK";

/// SQLite opens a file that it may not write without a word.
async fn is_writable(held: &mut Held) -> Result<(), StoreError> {
    held.unsound();
    match run(held.connection()?, TRY, Values::default()).await {
        Err(failed) if failed.after > 0 || !is_busy(&failed.error) => Err(held.explained(failed.error)),
        // Where it is locked it is not waited for: somebody can write it.
        _ => {
            held.sound();
            Ok(())
        }
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
