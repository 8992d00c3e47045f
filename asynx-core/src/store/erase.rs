use async_trait::async_trait;

use super::StoreError;
use crate::{Category, StreamId, Version};

/// What a forget leaves in the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum ForgetPolicy {
    /// Rows without payload: version, id and position stay, so that the log still tells readers that there was
    /// something, and keys are never free again.
    #[default]
    KeepRows,
    /// Only the head's version, so that a new life never repeats a version, and the tombstone's row in the log, so that
    /// a reader that was behind learns that there was something to forget. Keys are free again.
    EraseAll,
}

/// A forget whose tombstone is stored and whose erasure is still to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PendingErasure {
    /// The stream.
    pub stream: StreamId,
    /// The version of the tombstone.
    pub tombstone: Version,
}

/// Forgetting: a tombstone closes a life, then its payloads go.
///
/// # Laws
/// - **E1** An append of an event named [`TOMBSTONE`](crate::TOMBSTONE) MUST, atomically, move the stream's floor to
///   its version and record a pending erasure, which [`Head::erasing`](super::Head::erasing) and [`pending`](Self::pending) tell.
/// - **E2** Until the erasure, the events of the old life MUST still be readable by `read_from` and `read_range`, and
///   MUST NOT be given by `load`.
/// - **E3** After `erase_through(through)`, no payload at or below `through` MUST be readable by any method, the store's own
///   snapshots and its log included; the pending erasure is done. Events above it MUST be untouched. Erasing again
///   MUST succeed.
/// - **E4** The head MUST keep its version and floor: versions are never given twice.
/// - **E5** With [`ForgetPolicy::KeepRows`] the log MUST still give each erased event, without its record, and ids
///   MUST still be found and refused.
/// - **E6** With [`ForgetPolicy::EraseAll`] the log MUST still give the tombstone, without its record, and nothing else of
///   what was erased.
#[async_trait]
pub trait Erase: Send + Sync + 'static {
    /// Erases everything at or below the version of a tombstone (E3-E5).
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be written; the erasure stays pending.
    async fn erase_through(&self, stream: &StreamId, through: Version, policy: ForgetPolicy) -> Result<(), StoreError>;

    /// The erasures of a category that are still to be done (E1).
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn pending(&self, category: &Category) -> Result<Vec<PendingErasure>, StoreError>;
}
