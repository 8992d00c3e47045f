use asynx_core::store::LogEvent;
use asynx_core::{AggregateId, Event, EventId, EventName, Position, Timestamp, Version};

/// What the log tells of one aggregate type.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Entry<A> {
    /// Something happened to an aggregate.
    Event(Event<A>),
    /// An aggregate was forgotten: what was made of its events has to go.
    Forgotten(Forgotten),
}

/// An event that nobody can read any more, or the tombstone that ended a life.
///
/// A reader that was there before sees the tombstone; one that comes later sees each event whose payload is gone, and
/// the tombstone. To clean up more than once does no harm.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Forgotten {
    /// Which aggregate.
    pub aggregate_id: AggregateId,
    /// The place of the event in the aggregate's stream: what happened up to here is gone.
    pub version: Version,
    /// The identity of the event.
    pub event_id: EventId,
    /// What had happened, or `asynx.forgotten`.
    pub event_name: EventName,
    /// When that was.
    pub occurred_at: Timestamp,
    /// Its place in the log.
    pub position: Position,
}

impl<A> Entry<A> {
    /// Which aggregate.
    #[must_use]
    pub fn aggregate_id(&self) -> &AggregateId {
        match self {
            Self::Event(event) => &event.aggregate_id,
            Self::Forgotten(forgotten) => &forgotten.aggregate_id,
        }
    }

    /// The identity of the event.
    #[must_use]
    pub fn id(&self) -> EventId {
        match self {
            Self::Event(event) => event.id,
            Self::Forgotten(forgotten) => forgotten.event_id,
        }
    }

    /// The place in the aggregate's stream.
    #[must_use]
    pub fn version(&self) -> Version {
        match self {
            Self::Event(event) => event.version,
            Self::Forgotten(forgotten) => forgotten.version,
        }
    }

    /// The event, where it can be read.
    #[must_use]
    pub const fn event(&self) -> Option<&Event<A>> {
        match self {
            Self::Event(event) => Some(event),
            Self::Forgotten(_) => None,
        }
    }
}

impl From<&LogEvent> for Forgotten {
    fn from(event: &LogEvent) -> Self {
        Self {
            aggregate_id: event.stream.aggregate_id.clone(),
            version: event.version,
            event_id: event.event_id,
            event_name: event.event_name.clone(),
            occurred_at: event.occurred_at,
            position: event.position,
        }
    }
}
