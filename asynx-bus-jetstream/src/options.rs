use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::stream::StorageType;
use asynx_core::{Runtime, catch};

use crate::JetStreamBusError;

type OnTrouble = dyn Fn(&JetStreamBusError) + Send + Sync;

/// How a [`JetStreamBus`](crate::JetStreamBus) works.
#[derive(Clone)]
pub struct JetStreamBusOptions {
    pub(crate) stream: String,
    pub(crate) prefix: Option<String>,
    pub(crate) replicas: Option<usize>,
    pub(crate) storage: StorageType,
    pub(crate) max_age: Duration,
    pub(crate) create: bool,
    pub(crate) request_timeout: Duration,
    pub(crate) waiting: usize,
    pub(crate) patience: Duration,
    pub(crate) in_hand: usize,
    pub(crate) ack_wait: Duration,
    pub(crate) attempts: u32,
    pub(crate) backoff: (Duration, Duration),
    pub(crate) on_trouble: Option<Arc<OnTrouble>>,
    pub(crate) runtime: Option<Arc<dyn Runtime>>,
}

impl Default for JetStreamBusOptions {
    fn default() -> Self {
        Self {
            stream: "asynx-bus".to_owned(),
            prefix: None,
            replicas: None,
            storage: StorageType::File,
            max_age: Duration::from_secs(7 * 24 * 3600),
            create: true,
            request_timeout: Duration::from_secs(5),
            waiting: 65_536,
            patience: Duration::from_secs(10),
            in_hand: 256,
            ack_wait: Duration::from_secs(30),
            attempts: 5,
            backoff: (Duration::from_millis(200), Duration::from_secs(30)),
            on_trouble: None,
            runtime: None,
        }
    }
}

impl JetStreamBusOptions {
    /// The defaults, which each method tells.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the name of the stream, by default `asynx-bus`: 1 to 32 letters, digits, `-` and `_`. Parked events are kept
    /// in the stream `NAME-parked`. All categories may share a stream.
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
    /// one that is there.
    #[must_use]
    pub const fn with_replicas(mut self, replicas: usize) -> Self {
        self.replicas = Some(replicas);
        self
    }

    /// Keeps a stream that is made in memory, by default in files.
    #[must_use]
    pub const fn in_memory(mut self) -> Self {
        self.storage = StorageType::Memory;
        self
    }

    /// Sets how long a stream that is made keeps events, by default 7 days: a durable subscriber that is away for longer
    /// misses some. Parked events are kept until somebody takes them away.
    #[must_use]
    pub const fn with_max_age(mut self, age: Duration) -> Self {
        self.max_age = age;
        self
    }

    /// Leaves it to somebody else to make the streams: opening without them is an error.
    #[must_use]
    pub const fn without_create(mut self) -> Self {
        self.create = false;
        self
    }

    /// Sets how long the bus waits for an answer of the server before it asks again, by default 5 seconds.
    #[must_use]
    pub const fn with_request_timeout(mut self, timeout: Duration) -> Self {
        self.request_timeout = timeout;
        self
    }

    /// Sets how many events may wait to be stored in the stream, by default 65,536; beyond, `publish` answers
    /// [`NotHandedOver`](asynx_core::BusError::NotHandedOver). They fill up while no server is there.
    #[must_use]
    pub const fn with_waiting(mut self, events: usize) -> Self {
        self.waiting = events;
        self
    }

    /// Sets how long an event waits for the one before it, by default 10 seconds, where that was written by another process
    /// which has not published it yet. After that it goes ahead, and the late one is never published but told to
    /// [`on_publish_error`](asynx_core::bus::Hooks::on_publish_error) there. It should be longer than a cluster takes to
    /// choose a new leader; events of an aggregate are held up for so long where a process ended between the append and
    /// the bus.
    #[must_use]
    pub const fn with_patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }

    /// Sets how many events a durable subscriber has in hand at most, queued and running, by default 256.
    #[must_use]
    pub const fn with_in_hand(mut self, events: usize) -> Self {
        self.in_hand = events;
        self
    }

    /// Sets after what time without a sign of life the server takes the events that a durable subscriber has in hand for
    /// lost and gives them to another process, by default 30 seconds. Handlers may run longer: signs of life are sent
    /// every third of it. It counts where a subscriber is made.
    #[must_use]
    pub const fn with_ack_wait(mut self, wait: Duration) -> Self {
        self.ack_wait = wait;
        self
    }

    /// Sets how often the handler of a durable subscriber is tried with an event, by default 5 times, before its fallback
    /// runs; where there is none or that fails too, the event is parked.
    #[must_use]
    pub const fn with_attempts(mut self, attempts: NonZeroU32) -> Self {
        self.attempts = attempts.get();
        self
    }

    /// Sets the pause before the second attempt and the longest one, by default 200 ms and 30 seconds; each pause is
    /// twice the one before. The later events of that aggregate wait meanwhile.
    #[must_use]
    pub const fn with_backoff(mut self, first: Duration, longest: Duration) -> Self {
        self.backoff = (first, longest);
        self
    }

    /// Calls `hook` with trouble that concerns no event of this process: a message that cannot be read, a consumer that
    /// cannot be made. The bus goes on. A hook that panics is ignored.
    #[must_use]
    pub fn on_trouble(mut self, hook: impl Fn(&JetStreamBusError) + Send + Sync + 'static) -> Self {
        self.on_trouble = Some(Arc::new(hook));
        self
    }

    /// Sets where the bus and its handlers run, by default on the tokio runtime that is current when the bus is opened.
    /// It has to be one of tokio.
    #[must_use]
    pub fn with_runtime(mut self, runtime: Arc<dyn Runtime>) -> Self {
        self.runtime = Some(runtime);
        self
    }

    pub(crate) fn trouble(&self, error: &JetStreamBusError) {
        if let Some(hook) = &self.on_trouble {
            let _ = catch(|| hook(error));
        }
    }

    /// The pause before this attempt, the second one or a later one.
    pub(crate) fn pause_before(&self, attempt: u32) -> Duration {
        let (first, longest) = self.backoff;
        let doubled = 1_u32.checked_shl(attempt.saturating_sub(2)).unwrap_or(u32::MAX);
        first.saturating_mul(doubled).min(longest)
    }
}

impl fmt::Debug for JetStreamBusOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JetStreamBusOptions")
            .field("stream", &self.stream)
            .field("prefix", &self.prefix)
            .field("replicas", &self.replicas)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let options = JetStreamBusOptions::new().with_backoff(Duration::from_millis(100), Duration::from_secs(1));
        let pauses = [2, 3, 4, 5, 6, 90].map(|attempt| options.pause_before(attempt).as_millis());
        assert_eq!(pauses, [100, 200, 400, 800, 1000, 1000]);
    }
}
