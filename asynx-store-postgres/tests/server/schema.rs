use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use asynx_store_postgres::{PostgresOptions, PostgresStore};

use super::made::clean_up;
use super::{connect, run, url};

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
        self.store_with(self.options()).await
    }

    pub(crate) async fn store_with(&self, options: PostgresOptions) -> PostgresStore {
        let store = PostgresStore::connect_with(&url(), options).await;
        store.expect("the store opens")
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
            "parked",
            "inline",
            "held",
            "lost",
        ] {
            sql = sql.replace(&format!("{{{table}}}"), &format!("{}.\"t\"\"_{table}\"", self.quoted()));
        }
        sql
    }

    pub(crate) async fn run(&self, sql: &str) {
        run(&mut connect().await, &self.fill(sql)).await;
    }
}

impl Drop for Schema {
    fn drop(&mut self) {
        clean_up(vec![format!("drop schema if exists {} cascade", self.quoted())]);
    }
}
