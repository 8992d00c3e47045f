use std::sync::Arc;
use std::time::Duration;

use asynx_core::StoreError;
use futures::FutureExt as _;
use sqlx::pool::PoolConnection;
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool, Postgres, Transaction};

use crate::PostgresOptions;
use crate::connector::Connector;
use crate::error::store_error;
use crate::lane_connections::{IDLE_MICROS, LaneConnections};
use crate::pool::{Pool, Taken};

/// The store's own connections: whoever holds connections of the user's pool while sending cannot starve it.
pub(crate) struct Connections {
    pub(crate) lanes: LaneConnections,
    readers: Pool,
    inline: PgPool,
    /// What listens, notifies and renews leases must not wait for readers.
    background: PgPool,
    connector: Connector,
    /// How a transaction begins in which handlers run.
    begin: Arc<str>,
}

impl Connections {
    pub(crate) fn new(connector: Connector, options: &PostgresOptions) -> Self {
        Self {
            lanes: LaneConnections::new(connector.clone()),
            readers: Pool::new(
                pool(&connector, options, options.readers.max(1)),
                connector.runtime.clone(),
            ),
            inline: pool(&connector, options, inline_size(options)),
            background: pool(&connector, options, 3),
            connector,
            begin: begin(options.idle_timeout).into(),
        }
    }

    pub(crate) async fn reader(&self) -> Result<Taken<'_>, sqlx::Error> {
        match self.readers.take().await {
            Err(sqlx::Error::PoolTimedOut) => Err(self.why().await),
            taken => taken,
        }
    }

    /// A transaction on a reader's connection.
    pub(crate) async fn begin(&self) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        let (readers, waiting) = self.readers.whole();
        let begun = readers.begin_with(AssertSqlSafe(self.begin.clone())).await;
        drop(waiting);
        match begun {
            Err(sqlx::Error::PoolTimedOut) => Err(self.why().await),
            begun => begun,
        }
    }

    /// A transaction of an append that goes by inline projections.
    pub(crate) async fn begin_inline(&self) -> Result<Transaction<'static, Postgres>, sqlx::Error> {
        match self.inline.begin_with(AssertSqlSafe(self.begin.clone())).await {
            Err(sqlx::Error::PoolTimedOut) => Err(self.why().await),
            begun => begun,
        }
    }

    pub(crate) async fn background(&self) -> Result<PoolConnection<Postgres>, sqlx::Error> {
        match self.background.acquire().await {
            Err(sqlx::Error::PoolTimedOut) => Err(self.why().await),
            acquired => acquired,
        }
    }

    /// For what needs a connection of its own for as long as the store lives.
    pub(crate) const fn background_pool(&self) -> &PgPool {
        &self.background
    }

    pub(crate) async fn close(&self) {
        futures::join!(
            self.lanes.close(),
            self.readers.close(),
            self.inline.close(),
            self.background.close()
        );
    }

    /// Why no connection was to be had in time. A pool waits for a server that refuses, and does not tell.
    async fn why(&self) -> sqlx::Error {
        match self.connector.connect().await {
            Ok(connection) => {
                let _ = connection.close().await;
                sqlx::Error::PoolTimedOut
            }
            Err(error) => error,
        }
    }
}

/// Two for each lane, since a connection is tested after its use; and some for projections that block their thread, which
/// keep theirs until they are done.
fn inline_size(options: &PostgresOptions) -> u32 {
    let lanes = u32::try_from(options.inline_lanes.lanes.max(1)).unwrap_or(u32::MAX);
    lanes.saturating_mul(2).saturating_add(BLOCKED)
}

const BLOCKED: u32 = 6;

/// One that does nothing for too long is ended, since who began it may never go on.
fn begin(idle: Duration) -> String {
    let millis = idle.as_millis().clamp(1, i32::MAX.unsigned_abs().into());
    format!("begin; set local idle_in_transaction_session_timeout = {millis}")
}

fn pool(connector: &Connector, options: &PostgresOptions, size: u32) -> PgPool {
    let (pinning, testing) = (connector.clone(), connector.clone());
    PgPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(options.acquire_timeout)
        .test_before_acquire(false)
        .before_acquire(move |connection, used| {
            let testing = testing.clone();
            async move {
                let idle = Duration::from_micros(IDLE_MICROS.unsigned_abs());
                Ok(used.idle_for < idle || testing.is_alive(connection).await)
            }
            .boxed()
        })
        .after_connect(move |connection, _| {
            let pinning = pinning.clone();
            async move { pinning.pin(connection).await }.boxed()
        })
        .connect_lazy_with(connector.options().clone())
}

/// Fails where the server is not what it has to be.
pub(crate) async fn check_server(connection: &mut PgConnection) -> Result<(), StoreError> {
    let (version, encoding): (i32, String) =
        sqlx::query_as("select current_setting('server_version_num')::integer, current_setting('server_encoding')")
            .fetch_one(connection)
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
