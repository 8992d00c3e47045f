use std::fmt;
use std::sync::Arc;

use asynx_core::bus::SubscriptionId;
use asynx_core::store::LogEvent;
use asynx_core::{Aggregate, AggregateId, Category, Event, EventId, EventName, Record, Version};
use tracing::field::Empty;
use tracing::instrument::Instrumented;
use tracing::{Instrument, info_span};

use super::Span;

/// So many ids are named at most.
const IDS: usize = 16;
/// Of so many events the trace context is looked at; more links than this OpenTelemetry drops.
const LINKS: usize = 128;

impl Span {
    /// No span.
    #[must_use]
    pub const fn none() -> Self {
        Self(None)
    }

    fn of(span: tracing::Span) -> Self {
        Self((!span.is_disabled()).then(|| Arc::new(span)))
    }

    /// A command, from its first poll to its answer.
    #[must_use]
    pub fn send(category: &Category, id: &AggregateId, name: &EventName, event_id: EventId) -> Self {
        Self::of(info_span!(
            target: "asynx",
            "asynx.send",
            category = category.as_str(),
            aggregate_id = id.as_str(),
            event_name = name.as_str(),
            event_id = %event_id,
            version = Empty,
            outcome = Empty,
        ))
    }

    /// A load of the aggregates of a batch.
    #[must_use]
    pub fn load(category: &Category, ids: &[AggregateId]) -> Self {
        Self::of(info_span!(
            target: "asynx",
            parent: None,
            "asynx.load",
            category = category.as_str(),
            aggregates = ids.len(),
            aggregate_ids = %Ids(ids.iter()),
        ))
    }

    /// The append of a shard's batch: for each aggregate its number of events.
    #[must_use]
    pub fn append<'a>(
        category: &Category,
        shard: usize,
        groups: impl Iterator<Item = (&'a AggregateId, usize)> + Clone,
    ) -> Self {
        Self::of(info_span!(
            target: "asynx",
            parent: None,
            "asynx.append",
            category = category.as_str(),
            shard,
            aggregates = groups.clone().count(),
            aggregate_ids = %Ids(groups.clone().map(|(id, _)| id)),
            events = groups.map(|(_, events)| events).sum::<usize>(),
        ))
    }

    /// The handing over of an event, within the span of its command.
    #[must_use]
    pub fn publish<A: Aggregate>(&self, event: &Event<A>) -> Self {
        Self::of(info_span!(
            target: "asynx",
            parent: self.0.as_ref().and_then(|span| span.id()),
            "asynx.publish",
            category = A::CATEGORY,
            aggregate_id = event.aggregate_id.as_str(),
            event_name = event.event_name.as_str(),
            event_id = %event.id,
            version = event.version.get(),
        ))
    }

    /// A handler on the bus.
    #[must_use]
    pub fn handle<A: Aggregate>(event: &Event<A>, id: SubscriptionId, name: &'static str) -> Self {
        let span = info_span!(
            target: "asynx",
            parent: None,
            "asynx.handle",
            category = A::CATEGORY,
            subscription = id.get(),
            handler = name,
            aggregate_id = event.aggregate_id.as_str(),
            event_name = event.event_name.as_str(),
            event_id = %event.id,
            version = event.version.get(),
            traceparent = event.metadata.traceparent.as_deref(),
            outcome = Empty,
        );
        link(&span, &event.metadata);
        Self::of(span)
    }

    /// An attempt of a projection at a batch. The records are looked into only where somebody subscribes.
    #[must_use]
    pub fn project(projection: &str, version: u32, partition: usize, events: &[LogEvent]) -> Self {
        let span = info_span!(
            target: "asynx",
            parent: None,
            "asynx.handle",
            projection,
            version,
            partition,
            events = events.len(),
            first = events.first().map(|event| tracing::field::display(event.position)),
            last = events.last().map(|event| tracing::field::display(event.position)),
            traceparent = Empty,
            outcome = Empty,
        );
        if !span.is_disabled() {
            let records = events
                .iter()
                .filter_map(|event| Record::decode(event.record.as_ref()?).ok());
            let mut traced = records
                .map(|record| record.metadata)
                .filter(|metadata| metadata.traceparent.is_some())
                .take(LINKS)
                .peekable();
            span.record(
                "traceparent",
                traced.peek().and_then(|first| first.traceparent.as_deref()),
            );
            traced.for_each(|metadata| link(&span, &metadata));
        }
        Self::of(span)
    }

    /// Another span led to this one.
    pub fn follows(&self, other: &Self) {
        if let (Some(span), Some(other)) = (&self.0, &other.0) {
            span.follows_from(&**other);
        }
    }

    /// Runs code within it.
    pub fn in_scope<T>(&self, code: impl FnOnce() -> T) -> T {
        match &self.0 {
            Some(span) => span.in_scope(code),
            None => code(),
        }
    }

    /// A future that is polled within it.
    pub fn around<F: Future>(&self, future: F) -> Instrumented<F> {
        let span = self.0.as_ref().map(|span| tracing::Span::clone(span));
        future.instrument(span.unwrap_or_else(tracing::Span::none))
    }

    /// Of a command that became an event.
    pub fn version(&self, version: Version) {
        if let Some(span) = &self.0 {
            span.record("version", version.get());
        }
    }

    /// How it ended.
    pub fn outcome(&self, outcome: &'static str) {
        if let Some(span) = &self.0 {
            span.record("outcome", outcome);
        }
    }
}

#[cfg(feature = "opentelemetry")]
use crate::opentelemetry::link;

#[cfg(not(feature = "opentelemetry"))]
const fn link(_: &tracing::Span, _: &asynx_core::Metadata) {}

/// Written only where somebody subscribes.
struct Ids<I>(I);

impl<'a, I: Iterator<Item = &'a AggregateId> + Clone> fmt::Display for Ids<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, id) in self.0.clone().take(IDS).enumerate() {
            let between = if at == 0 { "" } else { " " };
            write!(f, "{between}{id}")?;
        }
        match self.0.clone().count().saturating_sub(IDS) {
            0 => Ok(()),
            more => write!(f, " and {more} more"),
        }
    }
}
