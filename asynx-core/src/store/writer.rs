use async_trait::async_trait;

use super::StoreError;
use crate::Category;

/// Lets one process own the writing of a category, so that its cache needs no checking.
///
/// # Laws
/// - **W1** While a lease is held, a second one for the same category MUST be refused.
/// - **W2** Dropping a lease, or the end of its process, MUST free it after a bounded time.
/// - **W3** [`WriterLease::is_held`] MUST be false before another process can be given the lease.
#[async_trait]
pub trait SoleWriter: Send + Sync + 'static {
    /// Takes the lease of a category; `None` where another holder has it.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be asked.
    async fn acquire(&self, category: &Category) -> Result<Option<Box<dyn WriterLease>>, StoreError>;
}

/// Being the only writer of a category, until it is dropped or lost.
pub trait WriterLease: Send + Sync + 'static {
    /// Whether it still is so. Once false, it stays false.
    fn is_held(&self) -> bool;
}
