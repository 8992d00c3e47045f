use async_trait::async_trait;

use super::StoreError;
use crate::{EventId, EventName, Position, StreamId, Timestamp, Version};

/// An event that a reader of the log could not handle and put aside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParkedEvent {
    /// The event's place in the log.
    pub position: Position,
    /// The stream that it belongs to.
    pub stream: StreamId,
    /// Its place in the stream.
    pub version: Version,
    /// Its identity.
    pub event_id: EventId,
    /// What happened.
    pub event_name: EventName,
    /// What went wrong, in the words of the error; at most a few kilobytes.
    pub error: String,
    /// How often it was tried.
    pub attempts: u32,
    /// When it was parked last.
    pub parked_at: Timestamp,
}

/// Keeps the events that readers of the log put aside, until somebody has mended the reason.
///
/// The names of readers are those of [`Checkpoints`](super::Checkpoints).
///
/// # Laws
/// - **P1** What was parked MUST be given by `parked` until it is removed, durably. Parking the same position for the same
///   reader again MUST replace what was there.
/// - **P2** `parked` MUST give the events of that very reader in the order of their positions, those after the given
///   position, at most `limit`.
/// - **P3** `unpark` MUST remove that event alone, and answer whether it was there.
#[async_trait]
pub trait Parking: Send + Sync + 'static {
    /// Puts an event aside (P1).
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be written. It may be parked all the same: park again.
    async fn park(&self, reader: &str, event: &ParkedEvent) -> Result<(), StoreError>;

    /// The parked events of a reader (P2).
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn parked(&self, reader: &str, after: Option<Position>, limit: usize)
    -> Result<Vec<ParkedEvent>, StoreError>;

    /// Removes a parked event (P3).
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be written. It may be removed all the same.
    async fn unpark(&self, reader: &str, position: Position) -> Result<bool, StoreError>;
}
