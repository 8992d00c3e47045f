use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use asynx_core::Runtime;
use asynx_core::store::InlineProjection;
use asynx_lanes::LaneOptions;
use asynx_lanes::inline::InlineSet;
use sqlx::{Postgres, Transaction};

/// Whether the store makes and changes its tables itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Migrate {
    /// Opening a store brings its tables to the newest version. Several processes may do so at once.
    #[default]
    AtOpen,
    /// Opening a store with older tables, or none, is an error: you run [`print_schema`](crate::print_schema) yourself.
    ByHand,
}

/// How a [`PostgresStore`](crate::PostgresStore) works.
#[derive(Clone)]
pub struct PostgresOptions {
    pub(crate) schema: String,
    pub(crate) prefix: String,
    pub(crate) migrate: Migrate,
    pub(crate) lanes: LaneOptions,
    pub(crate) inline: InlineSet<Transaction<'static, Postgres>>,
    pub(crate) without_inline: HashSet<String>,
    pub(crate) inline_lanes: LaneOptions,
    pub(crate) readers: u32,
    pub(crate) acquire_timeout: Duration,
    pub(crate) statement_timeout: Duration,
    pub(crate) idle_timeout: Duration,
    pub(crate) poll_interval: Duration,
    pub(crate) notify: bool,
    pub(crate) lease_time: Duration,
    pub(crate) runtime: Option<Arc<dyn Runtime>>,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        Self {
            schema: "asynx".to_owned(),
            prefix: String::new(),
            migrate: Migrate::AtOpen,
            lanes: LaneOptions::default(),
            inline: InlineSet::default(),
            without_inline: HashSet::new(),
            inline_lanes: LaneOptions::default().with_lanes(1),
            readers: 8,
            acquire_timeout: Duration::from_secs(5),
            statement_timeout: Duration::from_secs(20),
            idle_timeout: Duration::from_secs(60),
            poll_interval: Duration::from_secs(1),
            notify: true,
            lease_time: Duration::from_secs(10),
            runtime: None,
        }
    }
}

impl PostgresOptions {
    /// The defaults, which each method tells.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the schema that the tables are in, by default `asynx`: 1 to 63 bytes, any characters but NUL and braces.
    #[must_use]
    pub fn with_schema(mut self, schema: impl Into<String>) -> Self {
        self.schema = schema.into();
        self
    }

    /// Sets what the names of the tables begin with, by default nothing: at most 40 bytes, any characters but NUL and
    /// braces.
    #[must_use]
    pub fn with_table_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// Sets whether the store makes its tables itself, which is the default.
    #[must_use]
    pub const fn with_migrate(mut self, migrate: Migrate) -> Self {
        self.migrate = migrate;
        self
    }

    /// Sets how appends are made: how many are in flight, how large they may be, how long they may take. Each lane has
    /// a connection of its own.
    #[must_use]
    pub const fn with_lanes(mut self, lanes: LaneOptions) -> Self {
        self.lanes = lanes;
        self
    }

    /// Runs a projection in the transactions of the appends of its categories: what it makes is never behind. Each such
    /// append waits for it.
    ///
    /// One whose categories have no events yet is in use once the store is open. For others call
    /// [`build_inline`](crate::PostgresStore::build_inline) first.
    #[must_use]
    pub fn with_inline(mut self, projection: impl InlineProjection<Transaction<'static, Postgres>>) -> Self {
        self.inline.push(Arc::new(projection));
        self
    }

    /// Opens the store although this process does not have an inline projection of the database, by its name. Appends of
    /// its categories are refused.
    #[must_use]
    pub fn without_inline(mut self, name: impl Into<String>) -> Self {
        self.without_inline.insert(name.into());
        self
    }

    /// Sets how appends that go by inline projections are made, by default in one lane: projections that write the same
    /// rows wait for each other anyway. Each lane has a connection of its own.
    #[must_use]
    pub const fn with_inline_lanes(mut self, lanes: LaneOptions) -> Self {
        self.inline_lanes = lanes;
        self
    }

    /// Sets how many connections read, by default at most 8.
    #[must_use]
    pub const fn with_readers(mut self, readers: u32) -> Self {
        self.readers = readers;
        self
    }

    /// Sets how long a call waits for a connection, by default 5 seconds: for a free reader, or for a server that starts.
    /// Opening a store does not wait for a server that is not there. Together with the statement timeout, keep it below
    /// the timeout of the lanes.
    #[must_use]
    pub const fn with_acquire_timeout(mut self, timeout: Duration) -> Self {
        self.acquire_timeout = timeout;
        self
    }

    /// Sets how long the server works on one statement, by default 20 seconds. Keep it below the timeout of the lanes
    /// (by default 30 seconds), so that an append that is slow ends with a certain answer.
    #[must_use]
    pub const fn with_statement_timeout(mut self, timeout: Duration) -> Self {
        self.statement_timeout = timeout;
        self
    }

    /// Sets how long a transaction of a projection may do nothing, by default 60 seconds: then the server ends it. While
    /// it is open, it keeps others from taking the projection over, and all readers of the log from what is newer; and a
    /// process that is frozen, or cannot be reached any more, would keep it open. Longer than what a handler does between
    /// two statements.
    #[must_use]
    pub const fn with_idle_transaction_timeout(mut self, timeout: Duration) -> Self {
        self.idle_timeout = timeout;
        self
    }

    /// Sets how often followers of the log look for new events of other processes when nothing wakes them, by default
    /// every second.
    #[must_use]
    pub const fn with_poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = interval;
        self
    }

    /// Turns `LISTEN` and `NOTIFY` off: followers in other processes rely on polling alone. For poolers that cannot
    /// carry them.
    #[must_use]
    pub const fn without_notify(mut self) -> Self {
        self.notify = false;
        self
    }

    /// Sets how long the lease of a sole writer outlives its holder, by default 10 seconds. It is renewed three times
    /// as often.
    #[must_use]
    pub const fn with_lease_time(mut self, time: Duration) -> Self {
        self.lease_time = time;
        self
    }

    /// Sets where tasks run, by default the runtime of the feature: with `tokio` the one that is current when the store
    /// is opened, with `smol` alone its global executor.
    #[must_use]
    pub fn with_runtime(mut self, runtime: Arc<dyn Runtime>) -> Self {
        self.runtime = Some(runtime);
        self
    }
}

impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("schema", &self.schema)
            .field("prefix", &self.prefix)
            .field("migrate", &self.migrate)
            .field("lanes", &self.lanes)
            .field("inline", &self.inline)
            .field("readers", &self.readers)
            .finish_non_exhaustive()
    }
}
