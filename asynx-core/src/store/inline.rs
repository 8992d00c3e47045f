use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;

use super::{LogEvent, Store, StoreError};
use crate::Category;

/// A projection that a store runs in the transaction of the append itself: what it makes is never behind the events, nor
/// ahead of them.
///
/// `T` is the store's open transaction. `asynx-projection` makes one of a transactional projection (`Inline`); stores take
/// it in their options. What it makes of one set of categories has a name, and a version that is raised when it is to be
/// made anew.
///
/// # What a store promises
/// - **I1** Whoever reads the store's database sees an event and what was made of it, or neither.
/// - **I2** Each event of its categories is given to it once, in the order of its stream's versions; what was rolled back
///   is given again if it is appended again.
/// - **I3** Where it fails, panics or is late, nothing of its transaction remains. The groups that were in it are appended
///   again, each alone, so that only the one that it fails at is refused: not applied, by an error that says why.
/// - **I4** The tombstone of a forget is given to it as any event. It is given once more, without its record, in the
///   transaction that erases, unless a new life has begun by then.
/// - **I5** No process that does not run it, in this version, appends to its categories.
#[async_trait]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no inline projection of this store",
    note = "make one of a `TransactionalProjection` by `asynx_projection::Inline::new`; its transaction has to be the store's"
)]
pub trait InlineProjection<T: Send + 'static>: Send + Sync + 'static {
    /// What it is called: 1 to 120 bytes of any characters but NUL, unique in the store.
    fn name(&self) -> &str;

    /// Raised when what it makes is to be made anew; at least 1.
    fn version(&self) -> u32;

    /// Whose events it wants, all where there are none; the same ones for as long as the version is the same.
    fn categories(&self) -> &[Category];

    /// How long [`apply`](Self::apply) may take. Every append of its categories waits for it, so a few seconds at most.
    fn timeout(&self) -> Duration;

    /// Makes of the events what it makes, in the transaction, which must be left open.
    ///
    /// # Errors
    /// [`StoreError`] tells whether to try again; all of the transaction is rolled back.
    async fn apply(&self, transaction: &mut T, batch: &InlineBatch<'_>) -> Result<(), StoreError>;

    /// Called when what it was given is committed. Where it is not called, what it was given may be given again, or
    /// others in its place.
    fn committed(&self, events: &[LogEvent]) {
        let _ = events;
    }

    /// Called in the transaction in which this version takes the place of an older one.
    ///
    /// # Errors
    /// [`StoreError`]: the older version stays in use.
    async fn switched(&self, transaction: &mut T) -> Result<(), StoreError> {
        let _ = transaction;
        Ok(())
    }

    /// Called in the transaction in which it is removed.
    ///
    /// # Errors
    /// [`StoreError`]: it is not removed.
    async fn removed(&self, transaction: &mut T) -> Result<(), StoreError> {
        let _ = transaction;
        Ok(())
    }
}

/// What an inline projection is given.
#[non_exhaustive]
pub struct InlineBatch<'a> {
    /// The events, at least one, in the order of the log.
    pub events: &'a [LogEvent],
    /// The store as it is without them, to read what they follow on. It cannot be appended to.
    pub store: &'a Arc<dyn Store>,
    /// Whether an earlier version handles, or has handled, the same events.
    pub replayed: bool,
}

impl<'a> InlineBatch<'a> {
    /// Events that were just stored.
    #[must_use]
    pub const fn new(events: &'a [LogEvent], store: &'a Arc<dyn Store>) -> Self {
        Self {
            events,
            store,
            replayed: false,
        }
    }

    /// Events that an earlier version handles as well.
    #[must_use]
    pub const fn replayed(events: &'a [LogEvent], store: &'a Arc<dyn Store>) -> Self {
        Self {
            events,
            store,
            replayed: true,
        }
    }
}
