use async_trait::async_trait;

use super::StoreError;
use crate::Position;

/// How far a reader of the log has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Checkpoint {
    /// What the reader has done with everything up to here; `None`: begin at the beginning.
    pub position: Option<Position>,
    /// Who may write: the number of the newest claim.
    pub fence: u64,
}

/// Keeps how far each reader of the log has come, and lets only the newest owner of a reader write.
///
/// A process claims its reader before it reads, and puts with the fence that the claim answered. Another one that takes
/// over claims again; from then on the first one, which may only have been paused, cannot move the checkpoint.
///
/// Readers have names of 1 to 255 bytes of any characters but NUL; callers see to that. What is kept for a reader does
/// not depend on the log: a store that keeps checkpoints of another store's log is none the worse for it. Futures may
/// be dropped as those of [`Store`](super::Store) may (its law S10).
///
/// # Laws
/// - **C1** `get` MUST give the position that was put last, whatever its parts, and the newest fence; `None` for a reader
///   that was never claimed, or was removed and not claimed since. What was answered MUST be durable, and seen by every
///   call that begins afterwards.
/// - **C2** Each claim MUST answer a fence one above the newest that this reader ever had, the first one 1: two claims
///   are never given the same fence, also when they come at once. A claim MUST leave the position as it is, and answer
///   it.
/// - **C3** A put or remove whose fence is not the newest one (lower or higher), or whose reader is unknown, MUST answer
///   false and change nothing, then or later: its look at the fence and its change MUST be one step.
/// - **C4** A put with the newest fence MUST be kept and answer true, also where its position is lower than the one
///   before, or `None`: that is how a rebuild begins.
/// - **C5** After `remove` with the newest fence, which answers true, the reader MUST be unknown until the next claim:
///   even a put with that same fence is refused. That claim MUST answer no position, and a fence that goes on from the
///   last one (C2): a fence MUST NOT ever come again.
/// - **C6** Readers MUST be told apart byte by byte and MUST NOT affect each other.
#[async_trait]
pub trait Checkpoints: Send + Sync + 'static {
    /// What is kept of a reader (C1).
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    async fn get(&self, reader: &str) -> Result<Option<Checkpoint>, StoreError>;

    /// Takes a reader over (C2): gives its position and the fence that puts have to show from now on.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be written. The reader may have been taken over all the same: claim again.
    async fn claim(&self, reader: &str) -> Result<Checkpoint, StoreError>;

    /// Keeps a position (C3, C4). False where another has taken the reader over, or it was removed.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be written. The position may be kept all the same: put again.
    async fn put(&self, reader: &str, position: Option<Position>, fence: u64) -> Result<bool, StoreError>;

    /// Forgets a reader's position (C3, C5). False where another has taken the reader over, or it was removed already.
    /// Its fence stays, so that no paused owner can ever write.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be written. The reader may be removed all the same.
    async fn remove(&self, reader: &str, fence: u64) -> Result<bool, StoreError>;
}
