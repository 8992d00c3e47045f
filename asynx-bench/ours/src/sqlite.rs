//! On SQLite, and beside it a bare loop on the same tables by the same driver. Both with `synchronous=FULL`.

use std::path::PathBuf;
use std::time::Instant;

use asynx::store::SqliteStore;
use bench_workload::{Arguments, Report, median, per_second, run};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::types::Uuid;
use sqlx::{AssertSqlSafe, Connection as _, Executor as _};

use crate::orders::{Orders, open};

pub(crate) async fn send(arguments: &Arguments, report: &mut Report) {
    let folder = Folder::new();
    let orders = Orders(open(SqliteStore::open(folder.0.join("orders.db")).await.unwrap()).await);
    let measured = run(&orders, &arguments.load()).await;
    report.figure("send_per_s", measured.per_second());
}

/// Rows into the table of events, so many in a transaction, and nothing else: no heads, nothing looked up, nobody answered.
pub(crate) async fn raw(arguments: &Arguments, report: &mut Report) {
    const BLOCK: usize = 4_096;
    let folder = Folder::new();
    let path = folder.0.join("raw.db");
    let batch = arguments.get("batch", 256);
    SqliteStore::open(&path).await.unwrap().close().await;
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .foreign_keys(false)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    let rows = vec!["(?, ?, ?, ?, ?, ?)"; batch].join(", ");
    let insert =
        format!("INSERT INTO asynx_events (stream, version, event_id, event_name, occurred_at, record) VALUES {rows}");
    let record = "x".repeat(arguments.get("bytes", 280));
    let mut rates = Vec::new();
    let (begun, mut number) = (Instant::now(), 0);
    while begun.elapsed() < arguments.seconds() || rates.len() < 3 {
        let (begun, first) = (Instant::now(), number);
        while number - first < BLOCK {
            connection.execute("BEGIN IMMEDIATE").await.unwrap();
            let mut statement = sqlx::query(AssertSqlSafe(insert.as_str()));
            for _ in 0..batch {
                statement = statement
                    .bind((number % 1_000) as i64)
                    .bind((number / 1_000) as i64)
                    .bind(Uuid::now_v7().as_bytes().to_vec())
                    .bind("QuantityChanged")
                    .bind(number as i64)
                    .bind(record.as_bytes());
                number += 1;
            }
            assert_eq!(
                statement.execute(&mut connection).await.unwrap().rows_affected(),
                batch as u64
            );
            connection.execute("COMMIT").await.unwrap();
        }
        rates.push(per_second((number - first) as u64, begun.elapsed()));
    }
    connection.close().await.unwrap();
    // The first is the warm-up.
    report.figure("events_per_s", median(&mut rates[1..]));
}

/// Gone when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new() -> Self {
        let folder = std::env::temp_dir().join(format!("asynx-bench-{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap_or_else(|error| panic!("failed to make {}: {error}", folder.display()));
        Self(folder)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
