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
/// - **T2** `put_in` MUST answer false where [`Checkpoints::put`](super::Checkpoints::put) would. Once it answered true and
///   the commit succeeded, no claim can have come between the two.
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

    /// Keeps a position within a transaction (T2).
    ///
    /// # Errors
    /// [`StoreError`]: the transaction is of no use any more.
    fn put_in(
        &self,
        transaction: &mut Self::Transaction,
        reader: &str,
        position: Option<Position>,
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

    /// Ends a transaction (T1, T3).
    ///
    /// # Errors
    /// [`StoreError`]: whether it was committed is unknown.
    fn commit(&self, transaction: Self::Transaction) -> impl Future<Output = Result<(), StoreError>> + Send;
}
