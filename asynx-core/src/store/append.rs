use bytes::Bytes;

use super::{Store, StoreError};
use crate::{EventId, EventName, Position, StreamId, Timestamp, Version};

/// One event to append. The record describes itself: a simple store keeps `version` and `record` and ignores the rest.
///
/// An event whose name is the tombstone's moves the stream's floor to its version and leaves a pending erasure,
/// atomically with the append, in stores that can [`erase`](super::Erase).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// The place in the stream: one above the head.
    pub version: Version,
    /// The identity of the event.
    pub event_id: EventId,
    /// What happened.
    pub event_name: EventName,
    /// When the command ran.
    pub occurred_at: Timestamp,
    /// The bytes to keep, a [`Record`](crate::Record).
    pub record: Bytes,
}

/// Events of one stream to append one after the other: their versions follow each other without gaps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppendGroup {
    /// The stream.
    pub stream: StreamId,
    /// The events, at least one.
    pub events: Vec<NewEvent>,
}

/// Why an event was not appended, or may not have been.
#[derive(Debug, Clone, thiserror::Error)]
pub enum AppendError {
    /// The version is taken. Nothing was stored.
    #[error("the version is taken")]
    Conflict,
    /// The stream already has an event with this id. Nothing was stored.
    #[error("the event id {event_id} is taken")]
    Duplicate {
        /// The id of the first such event in the group.
        event_id: EventId,
    },
    /// The store refused or failed, and the event is not stored and never will be by this call.
    #[error("not applied: {0}")]
    NotApplied(#[source] StoreError),
    /// Nobody can tell whether the event is stored, or will be in a moment.
    #[error("unknown whether it was applied: {0}")]
    Unknown(#[source] StoreError),
}

/// What became of one group.
#[derive(Debug, Clone)]
pub struct GroupOutcome {
    /// The positions of the events that were stored, from the group's first on; `None` where the store has no log.
    pub applied: Vec<Option<Position>>,
    /// Why the next event was not stored; `None` where all were.
    pub stopped: Option<AppendError>,
}

impl GroupOutcome {
    /// Nothing of the group was stored.
    #[must_use]
    pub const fn none(reason: AppendError) -> Self {
        Self {
            applied: Vec::new(),
            stopped: Some(reason),
        }
    }
}

pub(super) async fn one_by_one<S: Store + ?Sized>(store: &S, groups: &[AppendGroup]) -> Vec<GroupOutcome> {
    let mut outcomes = Vec::with_capacity(groups.len());
    for group in groups {
        let mut outcome = GroupOutcome {
            applied: Vec::with_capacity(group.events.len()),
            stopped: None,
        };
        for event in &group.events {
            match store.append(&group.stream, event.clone()).await {
                Ok(position) => outcome.applied.push(position),
                Err(reason) => {
                    outcome.stopped = Some(reason);
                    break;
                }
            }
        }
        outcomes.push(outcome);
    }
    outcomes
}
