use async_trait::async_trait;

use super::StoreError;
use crate::Category;

/// Lets one process own the writing of a category, so that its cache needs no checking.
///
/// A lease keeps others from taking a lease; it does not keep a process that asks for none from writing.
///
/// # Laws
/// - **W1** While a lease is held, a second one for the same category MUST be refused.
/// - **W2** Dropping a lease, or the end of its process, MUST free it after a bounded time.
/// - **W3** [`WriterLease::is_held`] MUST be false before another process can be given the lease.
///
/// Besides, which no kit can test: an append that was begun under a lease must not be stored after the next lease was
/// given. A store on a server fences its appends, or frees a lease only when the holder's statements are over.
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
