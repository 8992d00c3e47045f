use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use asynx_core::Runtime;
use asynx_core::store::InlineProjection;
use asynx_lanes::inline::InlineSet;
use sqlx::sqlite::SqliteSynchronous;

use crate::SqliteTransaction;

/// What an answered append has survived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Synchronous {
    /// The disk has it: it survives a loss of power.
    #[default]
    Full,
    /// The operating system has it: it survives the death of the process, but a loss of power, or a crash of the
    /// operating system, may take the last appends with it, answered ones included. The file stays sound. About twice
    /// as fast with few clients.
    Normal,
}

impl Synchronous {
    pub(crate) const fn of_driver(self) -> SqliteSynchronous {
        match self {
            Self::Full => SqliteSynchronous::Full,
            Self::Normal => SqliteSynchronous::Normal,
        }
    }
}

/// How a [`SqliteStore`](crate::SqliteStore) works. The defaults are for a server that means it.
#[derive(Clone)]
pub struct SqliteOptions {
    pub(crate) synchronous: Synchronous,
    pub(crate) busy_timeout: Duration,
    pub(crate) readers: usize,
    pub(crate) batch_events: usize,
    pub(crate) batch_bytes: usize,
    pub(crate) poll_interval: Duration,
    pub(crate) inline: InlineSet<SqliteTransaction>,
    pub(crate) without_inline: HashSet<String>,
    pub(crate) runtime: Option<Arc<dyn Runtime>>,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            synchronous: Synchronous::Full,
            busy_timeout: Duration::from_secs(5),
            readers: 4,
            batch_events: 256,
            batch_bytes: 4 << 20,
            poll_interval: Duration::from_millis(100),
            inline: InlineSet::default(),
            without_inline: HashSet::new(),
            runtime: None,
        }
    }
}

impl SqliteOptions {
    /// The defaults.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What an answered append has survived; [`Synchronous::Full`] by default.
    #[must_use]
    pub const fn with_synchronous(mut self, synchronous: Synchronous) -> Self {
        self.synchronous = synchronous;
        self
    }

    /// How long a write waits for the writes of other processes before it fails (it is not applied then, and may be
    /// tried again); 5 seconds by default.
    #[must_use]
    pub const fn with_busy_timeout(mut self, timeout: Duration) -> Self {
        self.busy_timeout = timeout;
        self
    }

    /// How many reads run side by side, each with a connection and a thread of its own; 4 by default, at least 1.
    #[must_use]
    pub const fn with_readers(mut self, readers: usize) -> Self {
        self.readers = if readers == 0 { 1 } else { readers };
        self
    }

    /// The most events, and bytes of records, in one transaction; 256 and 4 MiB by default. The events of one group
    /// are never divided for it.
    #[must_use]
    pub const fn with_batch(mut self, events: usize, bytes: usize) -> Self {
        self.batch_events = events;
        self.batch_bytes = bytes;
        self
    }

    /// How often those who wait for the log to grow look for the appends of other processes; every 100 milliseconds
    /// by default. Appends through the same store wake them at once.
    #[must_use]
    pub const fn with_poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = interval;
        self
    }

    /// Runs a projection in the transactions of the appends of its categories: what it makes is never behind. While it
    /// runs nobody else writes to the file.
    ///
    /// One whose categories have no events yet is in use once the store is open. For others call
    /// [`build_inline`](crate::SqliteStore::build_inline) first. Not for stores in memory.
    #[must_use]
    pub fn with_inline(mut self, projection: impl InlineProjection<SqliteTransaction>) -> Self {
        self.inline.push(Arc::new(projection));
        self
    }

    /// Opens the store although this process does not have an inline projection of the file, by its name. Appends of
    /// its categories are refused.
    #[must_use]
    pub fn without_inline(mut self, name: impl Into<String>) -> Self {
        self.without_inline.insert(name.into());
        self
    }

    /// Where tasks, sleep and chance come from. By default the tokio runtime that the store is opened in, or smol where
    /// there is none and the feature `smol` is on.
    #[must_use]
    pub fn with_runtime(mut self, runtime: impl Runtime) -> Self {
        self.runtime = Some(Arc::new(runtime));
        self
    }
}

impl fmt::Debug for SqliteOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteOptions")
            .field("synchronous", &self.synchronous)
            .field("busy_timeout", &self.busy_timeout)
            .field("readers", &self.readers)
            .field("batch_events", &self.batch_events)
            .field("batch_bytes", &self.batch_bytes)
            .field("poll_interval", &self.poll_interval)
            .field("inline", &self.inline)
            .finish_non_exhaustive()
    }
}
