use std::num::NonZeroUsize;
use std::time::Duration;

use asynx_core::store::ForgetPolicy;

/// What happens to a command when its shard's queue is full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Overflow {
    /// It is answered [`QueueFull`](asynx_core::Error::QueueFull) at once.
    #[default]
    Reject,
    /// It waits for a place.
    Wait,
}

/// How a processor works. The defaults suit a service with a database on the same network.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Options {
    /// How many commands run side by side, each of another aggregate; 8.
    pub shards: NonZeroUsize,
    /// How many commands may wait in each shard; `None`, the default, for any number.
    pub queue_depth: Option<NonZeroUsize>,
    /// What happens to a command that finds its queue full.
    pub overflow: Overflow,
    /// The most commands in one append; 256.
    pub max_batch: NonZeroUsize,
    /// The most bytes of records in one append, unless a single record is larger; 4 MiB.
    pub max_batch_bytes: usize,
    /// The most bytes of one record; 4 MiB.
    pub max_record_bytes: usize,
    /// How many aggregates each shard keeps; 10,000.
    pub cache_aggregates: NonZeroUsize,
    /// The most bytes of serialised states that each shard keeps; 64 MiB.
    pub cache_bytes: usize,
    /// How often a command is tried when other processes write first, or the store fails for a moment; 16.
    pub max_attempts: u32,
    /// How long one call to the store may take; an append that takes longer has an unknown outcome; 30 s.
    pub store_timeout: Duration,
    /// How long callers wait while an unknown outcome is being settled; 30 s.
    pub settle_for: Duration,
    /// Write a snapshot whenever this many events have come since the last one; `None`: only when a command asks. 100.
    pub snapshot_every: Option<NonZeroUsize>,
    /// Read every event's state back before it is appended, not only the first of each event name; false.
    pub strict: bool,
    /// How many events one page of a load holds; 1,000.
    pub page: NonZeroUsize,
    /// What a forget leaves in the store.
    pub forget_policy: ForgetPolicy,
    /// Own the category: reads and rejections rest on the cache without asking the store. Takes a lease in the store.
    pub sole_writer: bool,
    #[cfg(feature = "sabotage")]
    #[doc(hidden)]
    pub sabotage: Option<crate::sabotage::Sabotage>,
}

const fn number(n: usize) -> NonZeroUsize {
    match NonZeroUsize::new(n) {
        Some(n) => n,
        None => NonZeroUsize::MIN,
    }
}

impl Default for Options {
    fn default() -> Self {
        Self {
            shards: number(8),
            queue_depth: None,
            overflow: Overflow::default(),
            max_batch: number(256),
            max_batch_bytes: 4 << 20,
            max_record_bytes: 4 << 20,
            cache_aggregates: number(10_000),
            cache_bytes: 64 << 20,
            max_attempts: 16,
            store_timeout: Duration::from_secs(30),
            settle_for: Duration::from_secs(30),
            snapshot_every: Some(number(100)),
            strict: false,
            page: number(1_000),
            forget_policy: ForgetPolicy::default(),
            sole_writer: false,
            #[cfg(feature = "sabotage")]
            sabotage: None,
        }
    }
}
