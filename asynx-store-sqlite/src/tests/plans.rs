//! No statement ever scans a table of ours, whatever the planner believes.

use std::path::Path;
use std::sync::Arc;

use asynx_runtime::TokioRuntime;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{AssertSqlSafe, Connection, Row};

use crate::SqliteOptions;
use crate::database::Database;
use crate::pool::Pool;
use crate::statement::{Values, run};
use crate::{
    append, checkpoints, erase, heads, inline, insert, lag, load, log, named_leases, page, parking, read, snapshots,
    transactions, writer,
};

/// Statistics as they would be had they been taken while the tables had one row.
const MISLEADING: &str = "ANALYZE;
DELETE FROM sqlite_stat1;
DELETE FROM sqlite_stat4;
INSERT INTO sqlite_stat1 SELECT tbl_name, name, '1 1 1' FROM sqlite_schema WHERE type = 'index';
INSERT INTO sqlite_stat1 SELECT name, NULL, '1' FROM sqlite_schema WHERE type = 'table' AND name LIKE 'asynx_%';
ANALYZE sqlite_schema;";

fn statements() -> Vec<String> {
    let texts = [
        append::LOOK,
        heads::HEADS,
        load::LOAD,
        read::RANGE,
        read::COUNT,
        log::END,
        page::ALL,
        page::OF_STREAMS,
        lag::ALL,
        lag::OF_STREAMS,
        snapshots::PUT,
        snapshots::GET,
        snapshots::DELETE,
        erase::FIND,
        erase::KEEP_ROWS,
        erase::ERASE_ALL,
        erase::DONE,
        erase::PENDING,
        erase::DELETE,
        checkpoints::GET,
        checkpoints::CLAIM,
        checkpoints::PUT,
        checkpoints::REMOVE,
        writer::FIND,
        writer::MAKE,
        writer::TAKE,
        named_leases::ACQUIRE,
        named_leases::RENEW,
        named_leases::RELEASE,
        named_leases::HELD,
        parking::PARK,
        parking::UNPARK,
        parking::PARKED,
        transactions::MOVE,
        inline::IS_THERE,
        inline::TOMBSTONE,
        &insert::text(4, 2),
    ];
    let statements = texts.iter().flat_map(|text| text.split(';')).map(str::trim);
    statements
        .filter(|statement| !statement.starts_with("BEGIN") && !statement.starts_with("COMMIT"))
        .map(str::to_owned)
        .collect()
}

/// What is scanned or sorted without need.
async fn wasteful(connection: &mut SqliteConnection) -> Vec<String> {
    let mut found = Vec::new();
    for statement in statements() {
        let explain = format!("EXPLAIN QUERY PLAN {statement}");
        let plan = run(connection, AssertSqlSafe(explain), Values::default()).await;
        let plan = plan.unwrap_or_else(|failed| panic!("{statement}: {}", failed.error));
        for row in &plan[0] {
            let step: String = row.get(3);
            let scans = step.starts_with("SCAN ")
                && ![
                    "VIRTUAL TABLE",
                    "VALUES",
                    "CONSTANT",
                    "sqlite_sequence",
                    "SCAN w",
                    "SCAN (subquery",
                ]
                .iter()
                .any(|small| step.contains(small));
            if scans || step.contains("AUTOMATIC") || step.contains("TEMP B-TREE") {
                found.push(format!("{step}: {statement}"));
            }
        }
    }
    found
}

async fn open(path: &Path) -> Database {
    let name = path.display().to_string().into();
    let runtime = Arc::new(TokioRuntime::current().unwrap());
    let options = SqliteOptions::new();
    let database = Database::open(name, Some(path.to_owned()), &options, runtime);
    database.await.unwrap()
}

async fn is_thrifty(pool: &Arc<Pool>) {
    let mut held = pool.take().await.unwrap();
    // An explanation does not look whether the schema has changed; this does.
    let look = run(held.connection().unwrap(), checkpoints::GET, Values::default());
    assert!(look.await.is_ok());
    assert_eq!(wasteful(held.connection().unwrap()).await, [""; 0]);
}

async fn mislead(path: &Path) {
    let options = SqliteConnectOptions::new().filename(path);
    let mut other = SqliteConnection::connect_with(&options).await.unwrap();
    sqlx::raw_sql(MISLEADING).execute(&mut other).await.unwrap();
    assert_ne!(wasteful(&mut other).await, [""; 0], "these statistics mislead nobody");
    other.close().await.unwrap();
}

#[tokio::test]
async fn no_statement_scans_a_table_whatever_the_statistics_say() {
    let folder = std::env::temp_dir().join(format!("asynx-sqlite-plans-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let path = folder.join("store.db");
    let database = open(&path).await;
    is_thrifty(&database.writer).await;
    is_thrifty(&database.readers).await;
    // While it is open.
    mislead(&path).await;
    is_thrifty(&database.writer).await;
    is_thrifty(&database.readers).await;
    database.close().await;
    // When it is opened.
    let database = open(&path).await;
    is_thrifty(&database.writer).await;
    is_thrifty(&database.readers).await;
    database.close().await;
    std::fs::remove_dir_all(&folder).unwrap();
}
