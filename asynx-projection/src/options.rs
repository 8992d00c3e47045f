use std::num::NonZeroUsize;
use std::time::Duration;

use asynx_core::store::LogFilter;
use asynx_core::{EventName, StreamId};

use crate::EngineError;

/// What becomes of an event that cannot be handled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum OnPoison {
    /// It is put aside with its error, where it can be listed and given to the projection again; the projection goes on
    /// with the next event.
    #[default]
    Park,
    /// The projection stops there as failed until somebody resumes it.
    Halt,
}

/// How a projection is run.
#[derive(Debug, Clone)]
pub struct ProjectionOptions {
    pub(crate) version: u32,
    pub(crate) filter: LogFilter,
    pub(crate) batch: NonZeroUsize,
    pub(crate) batch_bytes: usize,
    pub(crate) timeout: Duration,
    pub(crate) store_timeout: Duration,
    pub(crate) attempts: u32,
    pub(crate) backoff: Duration,
    pub(crate) max_backoff: Duration,
    pub(crate) on_poison: OnPoison,
    pub(crate) poll_interval: Duration,
    pub(crate) lease_time: Duration,
    pub(crate) partitions: NonZeroUsize,
}

impl Default for ProjectionOptions {
    fn default() -> Self {
        Self {
            version: 1,
            filter: LogFilter::default(),
            batch: NonZeroUsize::new(1_000).unwrap_or(NonZeroUsize::MIN),
            batch_bytes: 4 << 20,
            timeout: Duration::from_secs(30),
            store_timeout: Duration::from_secs(30),
            attempts: 5,
            backoff: Duration::from_millis(50),
            max_backoff: Duration::from_secs(10),
            on_poison: OnPoison::Park,
            poll_interval: Duration::from_secs(1),
            lease_time: Duration::from_secs(15),
            partitions: NonZeroUsize::MIN,
        }
    }
}

impl ProjectionOptions {
    /// The defaults, which each method tells.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the version of the projection, by default 1. Another version is another projection with a checkpoint of
    /// its own: that is how a read model is rebuilt beside the one in use.
    #[must_use]
    pub const fn with_version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    /// Reads events of these names alone.
    #[must_use]
    pub fn with_event_names(mut self, names: impl IntoIterator<Item = EventName>) -> Self {
        self.filter.event_names = names.into_iter().collect();
        self
    }

    /// Reads events of these streams alone.
    #[must_use]
    pub fn with_streams(mut self, streams: impl IntoIterator<Item = StreamId>) -> Self {
        self.filter.streams = streams.into_iter().collect();
        self
    }

    /// Sets how many events a batch has at most, by default 1,000. With 1 the handler is given one event at a time.
    #[must_use]
    pub const fn with_batch(mut self, events: NonZeroUsize) -> Self {
        self.batch = events;
        self
    }

    /// Sets how many bytes the records of a batch have at most, by default 4 MiB; one event is given even if it is
    /// larger.
    #[must_use]
    pub const fn with_batch_bytes(mut self, bytes: usize) -> Self {
        self.batch_bytes = bytes;
        self
    }

    /// Sets how long the handler may take for a batch, by default 30 seconds; so long may what is called at a switch and
    /// at a removal take as well. Then it is dropped, and has failed. What
    /// the store takes to begin and to commit its transaction is not counted.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Sets how long each call to the store may take, by default 30 seconds: reading a page, moving the checkpoint,
    /// beginning and committing a transaction, renewing a lease. Then it is dropped and tried again, and the
    /// [`Status`](crate::Status) tells of it. It should be longer than the limits of the store
    /// itself, whose errors tell more.
    #[must_use]
    pub const fn with_store_timeout(mut self, timeout: Duration) -> Self {
        self.store_timeout = timeout;
        self
    }

    /// Sets how often an event is tried before it counts as poison, by default 5 times: where the error does not tell,
    /// and after panics and timeouts.
    #[must_use]
    pub const fn with_attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Sets the pause after the first failure, by default 50 ms, and the longest, by default 10 seconds. Each pause is
    /// up to twice as long as the one before, at random.
    #[must_use]
    pub const fn with_backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.backoff = first;
        self.max_backoff = longest;
        self
    }

    /// Sets what becomes of an event that cannot be handled, by default [`OnPoison::Park`].
    #[must_use]
    pub const fn with_on_poison(mut self, on_poison: OnPoison) -> Self {
        self.on_poison = on_poison;
        self
    }

    /// Sets how often it looks for new events when nothing wakes it, by default every second.
    #[must_use]
    pub const fn with_poll_interval(mut self, interval: Duration) -> Self {
        self.poll_interval = interval;
        self
    }

    /// Sets how long a process that died keeps others from going on, by default 15 seconds.
    #[must_use]
    pub const fn with_lease_time(mut self, time: Duration) -> Self {
        self.lease_time = time;
        self
    }

    /// Divides the projection by aggregate into partitions that run side by side, spread over the processes. By default
    /// 1. The number is part of what a checkpoint stands for: to change it, raise the version.
    #[must_use]
    pub const fn with_partitions(mut self, partitions: NonZeroUsize) -> Self {
        self.partitions = partitions;
        self
    }

    /// Nothing that could not work.
    pub(crate) fn check(&self) -> Result<(), EngineError> {
        let wrong = [
            ("version", self.version == 0, "is 0; versions begin with 1"),
            ("batch_bytes", self.batch_bytes == 0, NOTHING),
            ("timeout", self.timeout.is_zero(), NOTHING),
            ("store_timeout", self.store_timeout.is_zero(), NOTHING),
            ("attempts", self.attempts == 0, "is 0; the first one counts"),
            ("backoff", self.backoff.is_zero(), NOTHING),
            (
                "max_backoff",
                self.max_backoff < self.backoff,
                "is shorter than the first pause",
            ),
            ("poll_interval", self.poll_interval.is_zero(), NOTHING),
            (
                "lease_time",
                self.lease_time < SHORTEST_LEASE,
                "is shorter than 10 ms, in which nothing is renewed",
            ),
            (
                "partitions",
                self.partitions.get() > MOST_PARTITIONS,
                "is more than 1024; each reads the log",
            ),
        ];
        match wrong.into_iter().find(|(_, wrong, _)| *wrong) {
            Some((option, _, reason)) => Err(EngineError::Option { option, reason }),
            None => Ok(()),
        }
    }
}

const NOTHING: &str = "is 0, which is enough for nothing";
const SHORTEST_LEASE: Duration = Duration::from_millis(10);
const MOST_PARTITIONS: usize = 1024;
