use std::time::Duration;

use asynx_core::Runtime;
use asynx_core::store::LogEvent;

use crate::figures::{Counter, Gauge, Histogram};
use crate::{Moment, Span, table};

/// The figures of one partition of a projection. They go to the recorder that is installed when it is made.
#[derive(Debug)]
pub struct ProjectionFigures {
    projection: String,
    version: u32,
    partition: usize,
    lag: Gauge,
    remaining: Gauge,
    /// See [`FIGURES`](crate::FIGURES).
    pub events: Counter,
    /// See [`FIGURES`](crate::FIGURES).
    pub failures: Counter,
    /// See [`FIGURES`](crate::FIGURES).
    pub parked: Counter,
    seconds: Histogram,
}

impl ProjectionFigures {
    /// Those of a partition.
    #[must_use]
    pub fn new(projection: &str, version: u32, partition: usize) -> Self {
        let (version_text, partition_text) = (version.to_string(), partition.to_string());
        let labels = [
            ("projection", projection),
            ("version", &*version_text),
            ("partition", &*partition_text),
        ];
        Self {
            lag: Gauge::new(&table::PROJECTION_LAG, &labels),
            remaining: Gauge::new(&table::PROJECTION_REMAINING, &labels),
            events: Counter::new(&table::PROJECTION_EVENTS, &labels),
            failures: Counter::new(&table::PROJECTION_FAILURES, &labels),
            parked: Counter::new(&table::PROJECTION_PARKED, &labels),
            seconds: Histogram::new(&table::PROJECTION_SECONDS, &labels),
            projection: projection.to_owned(),
            version,
            partition,
        }
    }

    /// How far it is behind, where that is known.
    pub fn behind(&self, lag: Option<Duration>, remaining: Option<u64>) {
        if let Some(lag) = lag {
            self.lag.set(lag.as_secs_f64());
        }
        if let Some(remaining) = remaining {
            #[expect(clippy::cast_precision_loss, reason = "it is counted up to 10 million")]
            self.remaining.set(remaining as f64);
        }
    }

    /// The span of an attempt at a batch.
    #[inline]
    #[must_use]
    pub fn span(&self, events: &[LogEvent]) -> Span {
        Span::project(&self.projection, self.version, self.partition, events)
    }

    /// An attempt at a batch took this long.
    #[inline]
    pub fn attempted(&self, began: Moment, runtime: &dyn Runtime) {
        self.seconds.took(began, Moment::now(runtime));
    }
}
