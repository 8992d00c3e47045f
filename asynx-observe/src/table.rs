/// A figure as `docs/observability.md` lists it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Figure {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub kind: Kind,
    /// What it is told in.
    pub unit: Unit,
    /// The names of its labels.
    pub labels: &'static [&'static str],
    /// What it tells.
    pub help: &'static str,
}

/// What a figure is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the terms of the field")]
pub enum Kind {
    Counter,
    Gauge,
    Histogram,
}

/// What a figure is told in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "they say it")]
pub enum Unit {
    Count,
    Seconds,
}

const fn counter(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Figure {
    Figure {
        name,
        kind: Kind::Counter,
        unit: Unit::Count,
        labels,
        help,
    }
}

const fn gauge(name: &'static str, unit: Unit, labels: &'static [&'static str], help: &'static str) -> Figure {
    Figure {
        name,
        kind: Kind::Gauge,
        unit,
        labels,
        help,
    }
}

const fn histogram(name: &'static str, unit: Unit, labels: &'static [&'static str], help: &'static str) -> Figure {
    Figure {
        name,
        kind: Kind::Histogram,
        unit,
        labels,
        help,
    }
}

const CATEGORY: &[&str] = &["category"];
const HANDLER: &[&str] = &["category", "handler"];
const PROJECTION: &[&str] = &["projection", "version", "partition"];

pub(crate) const COMMANDS: Figure = counter(
    "asynx_commands_total",
    &["category", "outcome"],
    "Commands that were sent, by what their callers were told.",
);
pub(crate) const COMMAND_SECONDS: Figure = histogram(
    "asynx_command_seconds",
    Unit::Seconds,
    CATEGORY,
    "From the first poll of a command to its answer.",
);
pub(crate) const QUEUE_SECONDS: Figure = histogram(
    "asynx_queue_seconds",
    Unit::Seconds,
    CATEGORY,
    "How long a command waited until its shard took it up.",
);
pub(crate) const BATCH_COMMANDS: Figure = histogram(
    "asynx_batch_commands",
    Unit::Count,
    CATEGORY,
    "How many commands a shard took up together.",
);
pub(crate) const APPEND_SECONDS: Figure = histogram(
    "asynx_append_seconds",
    Unit::Seconds,
    CATEGORY,
    "How long the append of a batch took.",
);
pub(crate) const EVENTS: Figure = counter("asynx_events_total", CATEGORY, "Events that were appended.");
pub(crate) const CONFLICTS: Figure = counter(
    "asynx_conflicts_total",
    CATEGORY,
    "Appends to an aggregate that another process was ahead of.",
);
pub(crate) const RERUNS: Figure = counter(
    "asynx_reruns_total",
    CATEGORY,
    "Commands that were run once more: after a conflict, a failure of the store, or on a newer state.",
);
pub(crate) const UNKNOWN_APPENDS: Figure = counter(
    "asynx_unknown_appends_total",
    CATEGORY,
    "Appends to an aggregate whose answer was lost, and that are being settled.",
);
pub(crate) const CACHE_HITS: Figure = counter(
    "asynx_cache_hits_total",
    CATEGORY,
    "Aggregates that a batch of commands or of reads found in the cache.",
);
pub(crate) const CACHE_MISSES: Figure = counter(
    "asynx_cache_misses_total",
    CATEGORY,
    "Aggregates that a batch of commands or of reads did not find in the cache.",
);
pub(crate) const LOAD_SECONDS: Figure = histogram(
    "asynx_load_seconds",
    Unit::Seconds,
    CATEGORY,
    "How long it took to load the aggregates of a batch, together.",
);
pub(crate) const REPLAY_EVENTS: Figure = histogram(
    "asynx_replay_events",
    Unit::Count,
    CATEGORY,
    "How many events were folded to load an aggregate.",
);
pub(crate) const PUBLISH_FAILURES: Figure = counter(
    "asynx_publish_failures_total",
    CATEGORY,
    "Events that the bus did not take; they are durable all the same.",
);
pub(crate) const HANDLER_SECONDS: Figure = histogram(
    "asynx_handler_seconds",
    Unit::Seconds,
    HANDLER,
    "How long a handler on the bus, or its fallback, ran.",
);
pub(crate) const HANDLER_FAILURES: Figure = counter(
    "asynx_handler_failures_total",
    &["category", "handler", "reason"],
    "Events that a handler on the bus failed at or never saw.",
);
pub(crate) const PROJECTION_LAG: Figure = gauge(
    "asynx_projection_lag_seconds",
    Unit::Seconds,
    PROJECTION,
    "How old the newest event was that a projection has handled while it is behind; 0 while it is live or elsewhere.",
);
pub(crate) const PROJECTION_REMAINING: Figure = gauge(
    "asynx_projection_remaining_events",
    Unit::Count,
    PROJECTION,
    "About how many events are ahead of a projection; 0 while it is live or elsewhere.",
);
pub(crate) const PROJECTION_EVENTS: Figure = counter(
    "asynx_projection_events_total",
    PROJECTION,
    "Events that a projection has handled.",
);
pub(crate) const PROJECTION_FAILURES: Figure = counter(
    "asynx_projection_failures_total",
    PROJECTION,
    "Attempts of a projection that failed: its handler, its decoder, or the store.",
);
pub(crate) const PROJECTION_PARKED: Figure = counter(
    "asynx_projection_parked_total",
    PROJECTION,
    "Events that a projection has put aside.",
);
pub(crate) const PROJECTION_SECONDS: Figure = histogram(
    "asynx_projection_handler_seconds",
    Unit::Seconds,
    PROJECTION,
    "How long an attempt at a batch took a projection, its transaction included.",
);
pub(crate) const WATERMARK_AGE: Figure = gauge(
    "asynx_watermark_age_seconds",
    Unit::Seconds,
    &[],
    "How old the oldest write was that holds back readers of the log, when `PostgresStore::watermark` was last asked.",
);

/// Every figure there is, in the order of the documentation.
pub const FIGURES: &[Figure] = &[
    COMMANDS,
    COMMAND_SECONDS,
    QUEUE_SECONDS,
    BATCH_COMMANDS,
    APPEND_SECONDS,
    EVENTS,
    CONFLICTS,
    RERUNS,
    UNKNOWN_APPENDS,
    CACHE_HITS,
    CACHE_MISSES,
    LOAD_SECONDS,
    REPLAY_EVENTS,
    PUBLISH_FAILURES,
    HANDLER_SECONDS,
    HANDLER_FAILURES,
    PROJECTION_LAG,
    PROJECTION_REMAINING,
    PROJECTION_EVENTS,
    PROJECTION_FAILURES,
    PROJECTION_PARKED,
    PROJECTION_SECONDS,
    WATERMARK_AGE,
];
