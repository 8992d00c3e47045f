use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use asynx_core::Runtime;

/// Where a stream keeps its events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Storage {
    /// In files.
    #[default]
    File,
    /// In memory: a restart of the last replica loses everything. For tests.
    Memory,
}

/// How a [`JetStreamStore`](crate::JetStreamStore) works.
#[derive(Clone)]
pub struct JetStreamOptions {
    pub(crate) stream: String,
    pub(crate) prefix: Option<String>,
    pub(crate) replicas: Option<usize>,
    pub(crate) storage: Storage,
    pub(crate) max_bytes: Option<u64>,
    pub(crate) create: bool,
    pub(crate) request_timeout: Duration,
    pub(crate) batches: usize,
    pub(crate) cached_heads: usize,
    pub(crate) runtime: Option<Arc<dyn Runtime>>,
}

impl Default for JetStreamOptions {
    fn default() -> Self {
        Self {
            stream: "asynx".to_owned(),
            prefix: None,
            replicas: None,
            storage: Storage::File,
            max_bytes: None,
            create: true,
            request_timeout: Duration::from_secs(5),
            batches: 16,
            cached_heads: 65_536,
            runtime: None,
        }
    }
}

impl JetStreamOptions {
    /// The defaults, which each method tells.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the name of the stream, by default `asynx`: 1 to 32 letters, digits, `-` and `_`. What is not an event is
    /// kept in the key-value bucket `NAME-state`. Categories that shall have a stream of their own are given a store of
    /// their own; each store has its own log.
    #[must_use]
    pub fn with_stream(mut self, name: impl Into<String>) -> Self {
        self.stream = name.into();
        self
    }

    /// Sets what the subjects begin with, by default the name of the stream: at most 64 letters, digits, `-` and `_`,
    /// with dots between.
    #[must_use]
    pub fn with_subject_prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = Some(prefix.into());
        self
    }

    /// Sets how many servers keep each event, 1, 3 or 5. By default 1 for a stream that is made, and whatever it is for
    /// one that is there; where this is set, a stream that has another number is refused.
    #[must_use]
    pub const fn with_replicas(mut self, replicas: usize) -> Self {
        self.replicas = Some(replicas);
        self
    }

    /// Sets where a stream that is made keeps its events, by default in files. A stream in memory is refused unless it
    /// is asked for here.
    #[must_use]
    pub const fn with_storage(mut self, storage: Storage) -> Self {
        self.storage = storage;
        self
    }

    /// Sets how many bytes a stream that is made may have, by default no limit. What goes beyond is refused; nothing
    /// old is dropped for it.
    #[must_use]
    pub const fn with_max_bytes(mut self, bytes: u64) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// Leaves it to somebody else to make stream and bucket: opening without them is an error.
    #[must_use]
    pub const fn without_create(mut self) -> Self {
        self.create = false;
        self
    }

    /// Sets how long the store waits for an answer of the server, by default 5 seconds; then the outcome of an append is
    /// unknown, and any other call fails for now.
    #[must_use]
    pub const fn with_request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// Sets how many atomic batches this handle has under way at most, by default 16. The server takes 50 of one stream
    /// unless its own limits say otherwise, from all its clients together. Single events go without a batch.
    #[must_use]
    pub const fn with_batches(mut self, batches: usize) -> Self {
        self.batches = batches;
        self
    }

    /// Sets of how many streams the handle remembers the head, by default 65,536 of some hundred bytes each. An append
    /// to one of them needs no look before it.
    #[must_use]
    pub const fn with_cached_heads(mut self, heads: usize) -> Self {
        self.cached_heads = heads;
        self
    }

    /// Sets where the store's own tasks run, by default on the tokio runtime that is current when the store is opened.
    #[must_use]
    pub fn with_runtime(mut self, runtime: Arc<dyn Runtime>) -> Self {
        self.runtime = Some(runtime);
        self
    }
}

impl fmt::Debug for JetStreamOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JetStreamOptions")
            .field("stream", &self.stream)
            .field("prefix", &self.prefix)
            .field("replicas", &self.replicas)
            .field("storage", &self.storage)
            .field("max_bytes", &self.max_bytes)
            .finish_non_exhaustive()
    }
}
