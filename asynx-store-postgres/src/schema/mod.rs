//! The tables: made, brought up to date, checked.

mod differences;

use asynx_core::StoreError;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _, PgConnection, Row as _};

pub(crate) use differences::differences;

use crate::error::store_error;
use crate::log::position;
use crate::names::Names;
use crate::{Migrate, PostgresOptions};

/// What brings the tables from each version to the next. A released one is never edited.
const STEPS: [&str; 2] = [include_str!("v1.sql"), include_str!("v2.sql")];
const NEWEST: i32 = STEPS.len() as i32;

const BEGIN: &str = "create table {migrations} (
    version integer primary key,
    migrated_at timestamptz not null default now()
)";
const STEP_DONE: &str = "insert into {migrations} (version) values ";

/// The SQL that makes the tables of the newest version, for those who run it themselves
/// ([`Migrate::ByHand`](crate::Migrate::ByHand)). Run it in one transaction.
///
/// # Errors
/// [`StoreError`] for a schema name or prefix that cannot be.
pub fn print_schema(options: &PostgresOptions) -> Result<String, StoreError> {
    let names = Names::parse(&options.schema, &options.prefix)?;
    let mut sql = format!("create schema if not exists {{schema}};\n\n{BEGIN};\n");
    for (step, version) in STEPS.iter().zip(1..) {
        sql.push_str(&format!("\n{step}\n{STEP_DONE}({version});\n"));
    }
    Ok(names.render(&sql))
}

/// Brings the tables to the newest version. Processes that do so at once come one after the other.
pub(crate) async fn migrate(connection: &mut PgConnection, names: &Names) -> Result<(), StoreError> {
    if live_version(connection, names).await? == NEWEST {
        return Ok(());
    }
    let mut transaction = connection.begin().await.map_err(store_error)?;
    // Of the whole schema, which stores with other prefixes may be about to make as well.
    sqlx::query("select pg_advisory_xact_lock(hashtextextended('asynx ' || $1, 0))")
        .bind(names.schema())
        .execute(&mut *transaction)
        .await
        .map_err(store_error)?;
    let live = live_version(&mut transaction, names).await?;
    let mut sql = String::new();
    if live == 0 {
        if !schema_exists(&mut transaction, names).await? {
            sql.push_str("create schema {schema};\n");
        }
        sql.push_str(BEGIN);
        sql.push_str(";\n");
    }
    for (step, version) in STEPS.iter().zip(1..).skip_while(|(_, version)| *version <= live) {
        sql.push_str(&format!("{step}\n;{STEP_DONE}({version});\n"));
    }
    run(&mut transaction, &names.render(&sql)).await?;
    transaction.commit().await.map_err(store_error)
}

/// Fails unless the tables are of the newest version.
pub(crate) async fn check_version(connection: &mut PgConnection, names: &Names) -> Result<(), StoreError> {
    let live = live_version(connection, names).await?;
    if live == NEWEST {
        return Ok(());
    }
    let found = match live {
        0 => "are not there".to_owned(),
        live => format!("are of version {live}, this asynx needs version {NEWEST}"),
    };
    Err(StoreError::permanent(format!(
        "the tables of asynx in schema {:?} {found}; open the store with Migrate::AtOpen, or run what print_schema gives",
        names.schema()
    )))
}

/// Refuses a database whose transactions are numbered anew: new events would come before those that are there.
pub(crate) async fn check_epoch(connection: &mut PgConnection, names: &Names) -> Result<(), StoreError> {
    let last = "select l.epoch, e.tx, e.seq, pg_snapshot_xmax(pg_current_snapshot())::text::bigint
        from {log} l left join lateral (
            select tx, seq from {events} where epoch = l.epoch order by epoch desc, tx desc, seq desc limit 1
        ) e on true";
    let last: Option<(i32, Option<i64>, Option<i32>, i64)> = sqlx::query_as(AssertSqlSafe(names.render(last)))
        .fetch_optional(connection)
        .await
        .map_err(store_error)?;
    match last {
        None => Err(without_rows(names, "log")),
        Some((epoch, Some(tx), Some(seq), next)) if tx >= next => Err(StoreError::permanent(format!(
            "the newest event, at {}, is of a transaction that this server has not come to yet (it is at {next}): the \
             database was restored from a dump; stop all processes that use it, then call PostgresStore::rebase",
            position(epoch, tx, seq.into())
        ))),
        Some(_) => Ok(()),
    }
}

pub(crate) async fn rebase(connection: &mut PgConnection, names: &Names, how: Migrate) -> Result<(), StoreError> {
    if how == Migrate::AtOpen && live_version(connection, names).await? > 0 {
        migrate(connection, names).await?;
    }
    check_version(connection, names).await?;
    // An append that is under way has the old number. It has to be over: readers may go on from the new one.
    let rebase = "begin; lock table {events} in share mode; update {log} set epoch = epoch + 1; commit";
    run(connection, &names.render(rebase)).await
}

async fn run(connection: &mut PgConnection, sql: &str) -> Result<(), StoreError> {
    // Nothing but identifiers was filled in, each quoted by `Names`.
    let sql = sqlx::raw_sql(AssertSqlSafe(sql.to_owned()));
    connection.execute(sql).await.map(drop).map_err(store_error)
}

async fn schema_exists(connection: &mut PgConnection, names: &Names) -> Result<bool, StoreError> {
    sqlx::query_scalar("select exists (select from pg_namespace where nspname = $1)")
        .bind(names.schema())
        .fetch_one(connection)
        .await
        .map_err(store_error)
}

/// The version of the tables that are there; 0 where there are none.
async fn live_version(connection: &mut PgConnection, names: &Names) -> Result<i32, StoreError> {
    let is_there = "select exists (
        select from pg_class c join pg_namespace n on n.oid = c.relnamespace where n.nspname = $1 and c.relname = $2
    )";
    let is_there: bool = sqlx::query_scalar(is_there)
        .bind(names.schema())
        .bind(format!("{}migrations", names.prefix()))
        .fetch_one(&mut *connection)
        .await
        .map_err(store_error)?;
    if !is_there {
        return Ok(0);
    }
    let newest = names.render("select max(version) from {migrations}");
    let row = connection
        .fetch_one(sqlx::query(AssertSqlSafe(newest)))
        .await
        .map_err(store_error)?;
    let live: Option<i32> = row.try_get(0).map_err(store_error)?;
    match live.ok_or_else(|| without_rows(names, "migrations"))? {
        live if live > NEWEST => Err(StoreError::permanent(format!(
            "the tables in schema {:?} are of version {live}, which a newer asynx made; this one knows version {NEWEST}",
            names.schema()
        ))),
        live => Ok(live),
    }
}

fn without_rows(names: &Names, table: &str) -> StoreError {
    StoreError::permanent(format!(
        "the table {table} of asynx in schema {:?} is there without its rows; restore the data of all tables, or drop them",
        names.schema()
    ))
}
