use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use bytes::Bytes;

use crate::{Aggregate, AggregateId, Ancestry, Context, EventId, EventName, Metadata, Position, Record};
use crate::{SchemaVersion, Timestamp, Version};

/// What happened to one aggregate: durable, and with the states before and after it. Cheap to clone.
///
/// Its fields are those of [`EventData`]: `event.version`, `event.aggregate.status`, ...
pub struct Event<A> {
    data: Arc<EventData<A>>,
    ancestry: Ancestry,
}

/// The fields of an [`Event`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct EventData<A> {
    /// The identity of the event.
    pub id: EventId,
    /// Which aggregate.
    pub aggregate_id: AggregateId,
    /// What happened.
    pub event_name: EventName,
    /// The place in the aggregate's stream.
    pub version: Version,
    /// The shape that the event was written with.
    pub schema_version: SchemaVersion,
    /// When the command ran, by the clock of the process that ran it.
    pub occurred_at: Timestamp,
    /// The state after the event; of a tombstone, the last state before it.
    pub aggregate: Arc<A>,
    /// The state before the event; `None` for the first of a life.
    pub previous: Option<Arc<A>>,
    /// Who, why, in which trace.
    pub metadata: Arc<Metadata>,
    /// The place in the store's log, where the store has one.
    pub position: Option<Position>,
    /// The change as stored: an RFC 6902 JSON Patch in JSON text.
    pub patch: Bytes,
}

impl<A: Aggregate> Event<A> {
    /// An event from its stored record and the states around it.
    #[must_use]
    pub fn new(
        aggregate_id: AggregateId,
        record: Record,
        position: Option<Position>,
        previous: Option<Arc<A>>,
        aggregate: Arc<A>,
    ) -> Self {
        Self {
            data: Arc::new(EventData {
                id: record.event_id,
                aggregate_id,
                event_name: record.event_name,
                version: record.version,
                schema_version: record.schema_version,
                occurred_at: record.occurred_at,
                aggregate,
                previous,
                metadata: record.metadata,
                position,
                patch: record.patch,
            }),
            ancestry: Ancestry::default(),
        }
    }
}

impl<A> Event<A> {
    /// The change as JSON text: an RFC 6902 JSON Patch.
    #[must_use]
    pub fn patch_json(&self) -> &str {
        std::str::from_utf8(&self.data.patch).unwrap_or("[]")
    }

    /// The event as a bus hands it to a handler of whom `ancestry` tells.
    #[must_use]
    pub fn with_ancestry(mut self, ancestry: Ancestry) -> Self {
        self.ancestry = ancestry;
        self
    }

    /// The handlers that led to this event's delivery, the one that receives it included.
    #[must_use]
    pub const fn ancestry(&self) -> &Ancestry {
        &self.ancestry
    }

    /// The context of a handler of this event.
    #[must_use]
    pub fn context(&self) -> Context {
        Context::of(self.data.id, &self.data.metadata, self.ancestry.clone())
    }
}

impl<A> Clone for Event<A> {
    fn clone(&self) -> Self {
        Self {
            data: Arc::clone(&self.data),
            ancestry: self.ancestry.clone(),
        }
    }
}

/// Says which event it is, without the states: those may be large, and need not be `Debug`.
impl<A> fmt::Debug for Event<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Event")
            .field("id", &self.data.id)
            .field("aggregate_id", &self.data.aggregate_id)
            .field("event_name", &self.data.event_name)
            .field("version", &self.data.version)
            .finish_non_exhaustive()
    }
}

impl<A> Deref for Event<A> {
    type Target = EventData<A>;

    fn deref(&self) -> &EventData<A> {
        &self.data
    }
}
