use super::{ParkedEvent, StoreError};
use crate::Position;

/// Transactions of a store's database, in which a reader of the log writes what it makes of the events together with its
/// checkpoint: both or neither.
///
/// A transaction that is dropped is rolled back.
///
/// # Laws
/// - **T1** What was written in a transaction MUST be there wholly once `commit` answered `Ok`, durably, and not at all if
///   the transaction was dropped.
/// - **T2** `move_in` MUST answer false where [`Checkpoints::put`](super::Checkpoints::put) would, and where the reader is
///   not at `from`. Once it answered true and the commit succeeded, no claim and no other move can have come between the
///   two: a transaction whose outcome was unknown and the one that was tried after it are never both committed.
/// - **T3** After an error of `commit`, nothing is known: what was written is there wholly or not at all, and the
///   checkpoint tells which.
pub trait Transactions: Send + Sync + 'static {
    /// An open transaction.
    type Transaction: Send;

    /// Begins a transaction.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be reached.
    fn begin(&self) -> impl Future<Output = Result<Self::Transaction, StoreError>> + Send;

    /// Moves a reader from one position to another within a transaction (T2).
    ///
    /// # Errors
    /// [`StoreError`]: the transaction is of no use any more.
    fn move_in(
        &self,
        transaction: &mut Self::Transaction,
        reader: &str,
        from: Option<Position>,
        to: Option<Position>,
        fence: u64,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Puts an event aside within a transaction, as [`Parking::park`](super::Parking::park).
    ///
    /// # Errors
    /// [`StoreError`]: the transaction is of no use any more.
    fn park_in(
        &self,
        transaction: &mut Self::Transaction,
        reader: &str,
        event: &ParkedEvent,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Removes a parked event within a transaction, as [`Parking::unpark`](super::Parking::unpark).
    ///
    /// # Errors
    /// [`StoreError`]: the transaction is of no use any more.
    fn unpark_in(
        &self,
        transaction: &mut Self::Transaction,
        reader: &str,
        position: Position,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Ends a transaction (T1, T3).
    ///
    /// # Errors
    /// [`StoreError`]: whether it was committed is unknown.
    fn commit(&self, transaction: Self::Transaction) -> impl Future<Output = Result<(), StoreError>> + Send;
}
