//! `cargo bench -p asynx-store-sqlite -- [events]`: appends on a real file, beside a bare loop on the same tables by the
//! same driver.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a bench measures time, on tokio"
)]

use std::path::Path;
use std::time::Instant;

use asynx_core::store::AppendGroup;
use asynx_core::{Store, StreamId};
use asynx_store_sqlite::SqliteStore;
use asynx_testkit::samples;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteJournalMode, SqliteSynchronous};
use sqlx::{Connection, Executor};

/// As many as a transaction of the store takes.
const BATCH: usize = 256;
/// Streams per client.
const STREAMS: usize = 10;

fn main() {
    let mut arguments = std::env::args().skip(1).filter_map(|argument| argument.parse().ok());
    let events = arguments.next().unwrap_or(50_000);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let folder = std::env::temp_dir().join(format!("asynx-sqlite-bench-{}", std::process::id()));
    for round in 1..=2 {
        println!("round {round}");
        let bare = fresh(&folder, |path| runtime.block_on(bare(path, events)));
        println!("  bare loop, {BATCH} rows a transaction: {bare:.0} events/s");
        for clients in [1, 8, 64, BATCH] {
            let events = events.min(clients * 5000);
            let found = fresh(&folder, |path| runtime.block_on(store(path, clients, events)));
            println!("  {clients} clients: {found:.0} appends/s, {:.2} of bare", found / bare);
        }
        let batches = fresh(&folder, |path| runtime.block_on(batches(path, events)));
        println!(
            "  one client, batches of {BATCH}: {batches:.0} events/s, {:.2} of bare",
            batches / bare
        );
    }
}

fn fresh<T>(folder: &Path, measure: impl FnOnce(&Path) -> T) -> T {
    std::fs::create_dir_all(folder).unwrap();
    let measured = measure(&folder.join("bench.db"));
    std::fs::remove_dir_all(folder).unwrap();
    measured
}

/// Rows into the table of events, and nothing else: no heads, nothing looked up, nobody answered.
async fn bare(path: &Path, events: usize) -> f64 {
    SqliteStore::open(path).await.unwrap().close().await;
    let options = SqliteConnectOptions::new()
        .filename(path)
        .foreign_keys(false)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full);
    let mut connection = SqliteConnection::connect_with(&options).await.unwrap();
    let rows = ["(?, ?, ?, ?, ?, ?)"; BATCH].join(", ");
    let insert =
        format!("INSERT INTO asynx_events (stream, version, event_id, event_name, occurred_at, record) VALUES {rows}");
    let sample = record(1);
    let begun = Instant::now();
    for version in 0..events / BATCH {
        connection.execute("BEGIN IMMEDIATE").await.unwrap();
        let mut statement = sqlx::query(sqlx::AssertSqlSafe(insert.as_str()));
        for stream in 0..BATCH {
            let number = version * BATCH + stream;
            let id = (number as u128) << 64;
            statement = statement
                .bind(stream as i64)
                .bind(version as i64)
                .bind(id.to_be_bytes().to_vec())
                .bind("SampleHappened")
                .bind(number as i64)
                .bind(sample.record.to_vec());
        }
        statement.execute(&mut connection).await.unwrap();
        connection.execute("COMMIT").await.unwrap();
    }
    let rate = (events / BATCH * BATCH) as f64 / begun.elapsed().as_secs_f64();
    connection.close().await.unwrap();
    rate
}

/// Each client appends one event after the other, to its streams by turns.
async fn store(path: &Path, clients: usize, events: usize) -> f64 {
    let store = SqliteStore::open(path).await.unwrap();
    let each = (events / clients).max(1);
    let work: Vec<Vec<_>> = (0..clients)
        .map(|client| (0..each).map(|n| group(client, n)).collect())
        .collect();
    let begun = Instant::now();
    let clients: Vec<_> = work
        .into_iter()
        .map(|work| {
            let store = store.clone();
            tokio::spawn(async move {
                for group in work {
                    let outcome = store.append_batch(&[group]).await.remove(0);
                    assert!(outcome.stopped.is_none(), "{outcome:?}");
                }
            })
        })
        .collect();
    let count = clients.len();
    for client in clients {
        client.await.unwrap();
    }
    let rate = (each * count) as f64 / begun.elapsed().as_secs_f64();
    store.close().await;
    rate
}

/// One call after the other, each with as many groups as a transaction takes.
async fn batches(path: &Path, events: usize) -> f64 {
    let store = SqliteStore::open(path).await.unwrap();
    let work: Vec<Vec<_>> = (0..events / BATCH)
        .map(|round| (0..BATCH).map(|client| group(client, round * STREAMS)).collect())
        .collect();
    let begun = Instant::now();
    for groups in &work {
        let outcomes = store.append_batch(groups).await;
        assert!(outcomes.iter().all(|outcome| outcome.stopped.is_none()));
    }
    let rate = (work.len() * BATCH) as f64 / begun.elapsed().as_secs_f64();
    store.close().await;
    rate
}

/// The `n`th append of a client.
fn group(client: usize, n: usize) -> AppendGroup {
    let stream = format!("ORD-{client:04}-{:02}", n % STREAMS);
    AppendGroup {
        stream: StreamId::parse("order", &stream).unwrap(),
        events: vec![record(1 + (n / STREAMS) as u64)],
    }
}

/// About 300 bytes.
fn record(version: u64) -> asynx_core::store::NewEvent {
    samples::carrying(version, &"x".repeat(110))
}
