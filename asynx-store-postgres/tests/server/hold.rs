//! Appends that are under way for as long as a test wants: the store's own statement, held by a trigger that waits for
//! an advisory lock.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

use std::sync::atomic::{AtomicI64, Ordering};

use async_trait::async_trait;
use asynx_core::Store;
use asynx_core::store::{AppendError, AppendGroup, GroupOutcome};
use asynx_store_postgres::{PostgresOptions, PostgresStore};
use asynx_testkit::conformance::{HeldAppend, SlowTransactions};
use sqlx::{AssertSqlSafe, PgConnection, query, query_scalar};
use tokio::task::JoinHandle;
use tokio::time::{Duration, sleep};

use super::{Schema, TOKIO, connect, url};

/// Appends to streams that are in a table wait for a lock.
pub(crate) async fn prepare(schema: &Schema) {
    schema
        .run(
            "create table {held} (category text, aggregate_id text, key bigint);
             create function {schema}.hold() returns trigger language plpgsql as $body$
             declare found bigint;
             begin
                 select key into found from {held} h
                 where h.category = new.category and h.aggregate_id = new.aggregate_id;
                 if found is not null then perform pg_advisory_xact_lock_shared(found); end if;
                 return null;
             end $body$;
             create trigger hold after insert on {events} for each row execute function {schema}.hold();",
        )
        .await;
}

pub(crate) struct Holding {
    options: PostgresOptions,
    held: String,
}

impl Holding {
    /// The options open a store on the schema.
    pub(crate) fn new(schema: &Schema, options: PostgresOptions) -> Self {
        Self {
            options,
            held: schema.fill("{held}"),
        }
    }

    pub(crate) fn options(&self) -> PostgresOptions {
        self.options.clone()
    }
}

#[async_trait]
impl SlowTransactions for Holding {
    async fn append(&self, group: &AppendGroup) -> Box<dyn HeldAppend> {
        static KEYS: AtomicI64 = AtomicI64::new(0);
        let key = (i64::from(std::process::id()) << 32) | KEYS.fetch_add(1, Ordering::Relaxed);
        let mut connection = connect().await;
        query("select pg_advisory_lock($1)")
            .bind(key)
            .execute(&mut connection)
            .await
            .unwrap();
        query(AssertSqlSafe(format!("insert into {} values ($1, $2, $3)", self.held)))
            .bind(group.stream.category.as_str())
            .bind(group.stream.aggregate_id.as_str())
            .bind(key)
            .execute(&mut connection)
            .await
            .unwrap();
        // A handle of its own: an append that is held holds up its lane.
        let store = PostgresStore::connect_with(&url(), self.options.clone()).await.unwrap();
        let groups = vec![group.clone()];
        let append = TOKIO.spawn(async move { store.append_batch(&groups).await.remove(0) });
        let pid = waiting(&mut connection, key).await;
        query(AssertSqlSafe(format!("delete from {} where key = $1", self.held)))
            .bind(key)
            .execute(&mut connection)
            .await
            .unwrap();
        Box::new(Held(Some(Parts {
            connection,
            key,
            pid,
            append,
        })))
    }
}

/// The backend that waits for the lock.
async fn waiting(connection: &mut PgConnection, key: i64) -> i32 {
    let waiting = "select pid from pg_locks where locktype = 'advisory' and not granted \
                   and (classid::bigint << 32) | objid::bigint = $1";
    loop {
        let pid: Option<i32> = query_scalar(waiting)
            .bind(key)
            .fetch_optional(&mut *connection)
            .await
            .unwrap();
        match pid {
            Some(pid) => return pid,
            None => sleep(Duration::from_millis(2)).await,
        }
    }
}

struct Held(Option<Parts>);

struct Parts {
    connection: PgConnection,
    key: i64,
    pid: i32,
    append: JoinHandle<GroupOutcome>,
}

impl Parts {
    async fn end(mut self, commit: bool) {
        if !commit {
            query("select pg_cancel_backend($1)")
                .bind(self.pid)
                .execute(&mut self.connection)
                .await
                .unwrap();
            let outcome = self.append.await.unwrap();
            assert!(
                matches!(outcome.stopped, Some(AppendError::NotApplied(_))),
                "{outcome:?}"
            );
            return;
        }
        query("select pg_advisory_unlock($1)")
            .bind(self.key)
            .execute(&mut self.connection)
            .await
            .unwrap();
        let outcome = self.append.await.unwrap();
        assert!(outcome.stopped.is_none(), "{outcome:?}");
    }
}

#[async_trait]
impl HeldAppend for Held {
    async fn commit(mut self: Box<Self>) {
        self.0.take().unwrap().end(true).await;
    }

    async fn roll_back(mut self: Box<Self>) {
        self.0.take().unwrap().end(false).await;
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(parts) = self.0.take() {
            TOKIO.spawn(parts.end(false));
        }
    }
}
