//! The server that tests use.
#![allow(dead_code, reason = "each test file uses a part")]

mod hold;

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, LazyLock, OnceLock};
use std::time::Duration;

use asynx_core::Runtime;
use asynx_runtime::TokioRuntime;
use asynx_store_postgres::{PostgresOptions, PostgresStore};
use asynx_testkit::conformance::{Capabilities, SlowTransactions, StoreFixture};
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};

/// One for all tests of a file, whose connections outlive each of them.
pub(crate) static TOKIO: LazyLock<tokio::runtime::Runtime> =
    LazyLock::new(|| tokio::runtime::Runtime::new().expect("a tokio runtime"));

/// The URL of the server: `cargo xtask test` starts one.
pub(crate) fn url() -> String {
    std::env::var("ASYNX_TEST_POSTGRES").unwrap_or_else(|_| {
        panic!(
            "these tests need PostgreSQL: run `cargo xtask test`, or set ASYNX_TEST_POSTGRES to the URL of a server \
             where schemas may be made, such as postgres://postgres@localhost/postgres"
        )
    })
}

/// A schema of one test, removed at its end. Its name is as bad as names can be.
pub(crate) struct Schema(String);

impl Schema {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self(format!("asynx_test \"{}\" '{count}'; ü%", std::process::id()))
    }

    pub(crate) fn name(&self) -> &str {
        &self.0
    }

    pub(crate) fn quoted(&self) -> String {
        format!("\"{}\"", self.0.replace('"', "\"\""))
    }

    pub(crate) fn options(&self) -> PostgresOptions {
        PostgresOptions::new()
            .with_schema(&self.0)
            .with_table_prefix("t\"_")
            .with_lease_time(Duration::from_secs(2))
            .with_poll_interval(Duration::from_millis(200))
    }

    pub(crate) async fn store(&self) -> PostgresStore {
        PostgresStore::connect_with(&url(), self.options())
            .await
            .expect("the store opens")
    }

    /// Fills in `{events}` and so on.
    pub(crate) fn fill(&self, sql: &str) -> String {
        let mut sql = sql.replace("{schema}", &self.quoted());
        for table in [
            "migrations",
            "log",
            "heads",
            "events_json",
            "events",
            "snapshots",
            "checkpoints",
            "leases",
            "held",
        ] {
            sql = sql.replace(&format!("{{{table}}}"), &format!("{}.\"t\"\"_{table}\"", self.quoted()));
        }
        sql
    }

    pub(crate) async fn run(&self, sql: &str) {
        let sql = AssertSqlSafe(self.fill(sql));
        sqlx::raw_sql(sql)
            .execute(&mut connect().await)
            .await
            .expect("the statement runs");
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        let drop = format!("drop schema if exists {} cascade", self.quoted());
        // On a thread of its own: this may be within a task.
        let dropped = std::thread::spawn(move || {
            TOKIO.block_on(async {
                let mut connection = connect().await;
                sqlx::raw_sql(AssertSqlSafe(drop))
                    .execute(&mut connection)
                    .await
                    .map(std::mem::drop)
            })
        });
        if !std::thread::panicking() {
            dropped.join().expect("the thread ends").expect("the schema is dropped");
        }
    }
}

pub(crate) async fn connect() -> PgConnection {
    PgConnection::connect(&url())
        .await
        .expect("the server of ASYNX_TEST_POSTGRES takes connections")
}

/// A new schema for each law, all on one server at once.
#[derive(Default)]
pub(crate) struct Fixture {
    holding: OnceLock<Arc<hold::Holding>>,
}

impl StoreFixture for Fixture {
    type Guard = Schema;
    type Store = PostgresStore;

    async fn open(&self) -> (Schema, PostgresStore) {
        let schema = Schema::new();
        let store = schema.store().await;
        hold::prepare(&schema).await;
        let _ = self.holding.set(Arc::new(hold::Holding::new(&schema)));
        (schema, store)
    }

    async fn another(&self, _: &PostgresStore) -> Option<PostgresStore> {
        let options = self.holding.get()?.options();
        Some(
            PostgresStore::connect_with(&url(), options)
                .await
                .expect("the store opens"),
        )
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::all_of_a_store()
            .with_slow_transactions()
            .with_another_handle()
    }

    fn runtime(&self) -> Arc<dyn Runtime> {
        Arc::new(TokioRuntime::new(TOKIO.handle().clone()))
    }

    fn block_on<T>(&self, check: impl Future<Output = T>) -> T {
        TOKIO.block_on(check)
    }

    fn slow_transactions(&self, _: &PostgresStore) -> Option<Arc<dyn SlowTransactions>> {
        self.holding.get().map(|holding| holding.clone() as _)
    }
}
