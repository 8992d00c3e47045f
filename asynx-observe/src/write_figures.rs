use asynx_core::Runtime;

#[cfg(any(feature = "metrics", feature = "tracing"))]
use crate::Moment;
use crate::figures::{Counter, Histogram};
use crate::sent::Outcome;
use crate::{Span, table};

/// The figures of one category's write path. They go to the recorder that is installed when it is made.
#[derive(Debug)]
pub struct WriteFigures {
    outcomes: [Counter; Outcome::ALL.len()],
    /// See [`FIGURES`](crate::FIGURES).
    pub command_seconds: Histogram,
    /// See [`FIGURES`](crate::FIGURES).
    pub queue_seconds: Histogram,
    /// See [`FIGURES`](crate::FIGURES).
    pub batch_commands: Histogram,
    /// See [`FIGURES`](crate::FIGURES).
    pub append_seconds: Histogram,
    /// See [`FIGURES`](crate::FIGURES).
    pub events: Counter,
    /// See [`FIGURES`](crate::FIGURES).
    pub conflicts: Counter,
    /// See [`FIGURES`](crate::FIGURES).
    pub reruns: Counter,
    /// See [`FIGURES`](crate::FIGURES).
    pub unknown_appends: Counter,
    /// See [`FIGURES`](crate::FIGURES).
    pub cache_hits: Counter,
    /// See [`FIGURES`](crate::FIGURES).
    pub cache_misses: Counter,
    /// See [`FIGURES`](crate::FIGURES).
    pub load_seconds: Histogram,
    /// See [`FIGURES`](crate::FIGURES).
    pub replay_events: Histogram,
    /// See [`FIGURES`](crate::FIGURES).
    pub publish_failures: Counter,
}

impl WriteFigures {
    /// Those of a category.
    #[must_use]
    pub fn new(category: &str) -> Self {
        let labels = [("category", category)];
        let outcome = |outcome: Outcome| {
            Counter::new(
                &table::COMMANDS,
                &[("category", category), ("outcome", outcome.as_str())],
            )
        };
        Self {
            outcomes: Outcome::ALL.map(outcome),
            command_seconds: Histogram::new(&table::COMMAND_SECONDS, &labels),
            queue_seconds: Histogram::new(&table::QUEUE_SECONDS, &labels),
            batch_commands: Histogram::new(&table::BATCH_COMMANDS, &labels),
            append_seconds: Histogram::new(&table::APPEND_SECONDS, &labels),
            events: Counter::new(&table::EVENTS, &labels),
            conflicts: Counter::new(&table::CONFLICTS, &labels),
            reruns: Counter::new(&table::RERUNS, &labels),
            unknown_appends: Counter::new(&table::UNKNOWN_APPENDS, &labels),
            cache_hits: Counter::new(&table::CACHE_HITS, &labels),
            cache_misses: Counter::new(&table::CACHE_MISSES, &labels),
            load_seconds: Histogram::new(&table::LOAD_SECONDS, &labels),
            replay_events: Histogram::new(&table::REPLAY_EVENTS, &labels),
            publish_failures: Counter::new(&table::PUBLISH_FAILURES, &labels),
        }
    }

    /// Looks on while a batch is appended. Without the features there is nothing around it, not even a state to move.
    #[cfg(any(feature = "metrics", feature = "tracing"))]
    pub async fn appending<F: Future>(&self, runtime: &dyn Runtime, span: Span, groups: usize, append: F) -> F::Output {
        if groups == 0 {
            return append.await;
        }
        let began = Moment::now(runtime);
        let appended = span.around(append).await;
        self.append_seconds.took(began, Moment::now(runtime));
        appended
    }

    /// As with the features, and nothing happens.
    #[cfg(not(any(feature = "metrics", feature = "tracing")))]
    #[inline]
    pub const fn appending<F: Future>(&self, _: &dyn Runtime, _: Span, _: usize, append: F) -> F {
        append
    }

    /// Counts a command by what its caller was told.
    pub(crate) fn answered(&self, outcome: Outcome) {
        self.outcomes[outcome as usize].add(1);
    }

    /// What the cache had of a batch's aggregates.
    #[inline]
    pub fn looked_up(&self, all: usize, missing: usize) {
        self.cache_hits.add(all - missing);
        self.cache_misses.add(missing);
    }
}
