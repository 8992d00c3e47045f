use std::sync::Arc;
use std::time::Duration;

use asynx_core::StoreError;
use futures::FutureExt;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::{AssertSqlSafe, Executor as _, PgPool};

use crate::PostgresOptions;
use crate::error::store_error;

/// The store's own connections: whoever holds connections of the user's pool while sending cannot starve it.
#[derive(Clone)]
pub(crate) struct Connections {
    /// One for each append in flight.
    pub(crate) lanes: PgPool,
    pub(crate) readers: PgPool,
    /// What listens, notifies and renews leases must not wait for readers.
    pub(crate) background: PgPool,
}

/// What no database, role or URL may set otherwise. The plans are made once, for index look-ups: a table that was small
/// when a plan was cached may be large later.
const PINNED: &str = "set default_transaction_isolation = 'read committed'; \
    set default_transaction_read_only = off; \
    set synchronous_commit = on; \
    set plan_cache_mode = force_generic_plan; \
    set enable_seqscan = off; \
    set jit = off; \
    set client_min_messages = warning";

impl Connections {
    pub(crate) fn new(connect: &PgConnectOptions, options: &PostgresOptions) -> Self {
        let lanes = u32::try_from(options.lanes.lanes.max(1)).unwrap_or(u32::MAX);
        Self {
            lanes: pool(connect, options, lanes),
            readers: pool(connect, options, options.readers.max(1)),
            background: pool(connect, options, 3),
        }
    }

    pub(crate) async fn close(&self) {
        futures::join!(self.lanes.close(), self.readers.close(), self.background.close());
    }

    /// Fails where the server cannot be reached or is not what it has to be.
    pub(crate) async fn check(&self) -> Result<(), StoreError> {
        let (version, encoding): (i32, String) =
            sqlx::query_as("select current_setting('server_version_num')::integer, current_setting('server_encoding')")
                .fetch_one(&self.readers)
                .await
                .map_err(store_error)?;
        if version < 140_000 {
            return Err(StoreError::permanent(format!(
                "the server is PostgreSQL {}, asynx needs 14 or newer",
                version / 10_000
            )));
        }
        if encoding != "UTF8" {
            return Err(StoreError::permanent(format!(
                "the encoding of the database is {encoding}, asynx needs UTF8; create it with: create database ... \
                 encoding 'UTF8' template template0"
            )));
        }
        Ok(())
    }
}

fn pool(connect: &PgConnectOptions, options: &PostgresOptions, size: u32) -> PgPool {
    let timeout = options.statement_timeout.max(Duration::from_millis(1)).as_millis();
    let pinned: Arc<str> = format!("{PINNED}; set statement_timeout = {timeout}").into();
    PgPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(options.acquire_timeout)
        // One round trip less; a connection that is gone fails at its next statement, and that is told.
        .test_before_acquire(false)
        .after_connect(move |connection, _| {
            let pinned = AssertSqlSafe(pinned.clone());
            async move { connection.execute(sqlx::raw_sql(pinned)).await.map(drop) }.boxed()
        })
        .connect_lazy_with(connect.clone())
}
