use std::error::Error;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;

use crate::Decode;

/// What a handler is given: entries in the order of the log, of one partition.
#[derive(Debug)]
pub struct Batch<'a, E> {
    entries: &'a [Arc<E>],
    replayed: bool,
}

impl<'a, E> Batch<'a, E> {
    pub(crate) const fn new(entries: &'a [Arc<E>], replayed: bool) -> Self {
        Self { entries, replayed }
    }

    /// The entries, at least one.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &'a E> + ExactSizeIterator {
        self.entries.iter().map(|entry| &**entry)
    }

    /// How many there are.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none, which is never so for a handler.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether an earlier version of the projection handles all of this: it is being rebuilt beside that one. A projection
    /// with effects (mails, payments, rows of an outbox) has none then. What comes after the earlier version's last batch
    /// is not replayed; no version overtakes the one in use before it takes its place.
    #[must_use]
    pub const fn is_replayed(&self) -> bool {
        self.replayed
    }
}

/// Makes something of what happened, anywhere: **at least once**. The checkpoint moves after the handler, so after a
/// crash in between a batch comes again; entries have ids to recognise them by.
///
/// ```
/// use asynx_core::Aggregate;
/// use asynx_projection::{Batch, Entry, HandlerError, Projection, Typed};
/// # #[derive(Clone, serde::Serialize, serde::Deserialize)] struct Order { total: u64 }
/// # impl Aggregate for Order { const CATEGORY: &'static str = "order"; }
///
/// struct Mails;
///
/// #[async_trait::async_trait]
/// impl Projection for Mails {
///     type Decode = Typed<Order>;
///
///     async fn handle(&self, batch: Batch<'_, Entry<Order>>) -> Result<(), HandlerError> {
///         for event in batch.iter().filter_map(Entry::event) {
///             println!("{}: {}", event.aggregate_id, event.aggregate.total);
///         }
///         Ok(())
///     }
/// }
/// ```
#[async_trait]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no projection",
    note = "implement `Projection` for it, under `#[async_trait::async_trait]`: `type Decode = Typed<Order>;` and `handle`"
)]
pub trait Projection: Send + Sync + 'static {
    /// What it reads: [`Typed`](crate::Typed) or [`Untyped`](crate::Untyped).
    type Decode: Decode;

    /// Handles a batch.
    ///
    /// # Errors
    /// [`HandlerError`] tells whether to try again.
    async fn handle(&self, batch: Batch<'_, <Self::Decode as Decode>::Entry>) -> Result<(), HandlerError>;

    /// Called when this version takes the place of an older one: readers are to look at what it made from now on. Called
    /// before that is kept, so perhaps more than once.
    ///
    /// # Errors
    /// [`HandlerError`]: the older version stays in use.
    async fn switched(&self) -> Result<(), HandlerError> {
        Ok(())
    }

    /// Called when this version is removed: what it made is to go.
    ///
    /// # Errors
    /// [`HandlerError`]: it is not removed.
    async fn removed(&self) -> Result<(), HandlerError> {
        Ok(())
    }
}

/// Makes something of what happened in the store's own database: **exactly once**. What the handler writes in the
/// transaction and the checkpoint are committed together.
///
/// The transaction must be left open, and must not wait for other things: readers of the log wait for it.
#[async_trait]
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no projection in transactions of type `{T}`",
    note = "implement `TransactionalProjection<{T}>` for it, under `#[async_trait::async_trait]`: `type Decode` and `handle`"
)]
pub trait TransactionalProjection<T: Send>: Send + Sync + 'static {
    /// What it reads.
    type Decode: Decode;

    /// Handles a batch.
    ///
    /// # Errors
    /// [`HandlerError`] tells whether to try again. The transaction is rolled back.
    async fn handle(
        &self,
        transaction: &mut T,
        batch: Batch<'_, <Self::Decode as Decode>::Entry>,
    ) -> Result<(), HandlerError>;

    /// Called in the transaction in which this version takes the place of an older one: to let a view look at its table,
    /// say.
    ///
    /// # Errors
    /// [`HandlerError`]: the older version stays in use.
    async fn switched(&self, transaction: &mut T) -> Result<(), HandlerError> {
        let _ = transaction;
        Ok(())
    }

    /// Called when this version is removed: to drop its table, say.
    ///
    /// # Errors
    /// [`HandlerError`]: it is not removed.
    async fn removed(&self, transaction: &mut T) -> Result<(), HandlerError> {
        let _ = transaction;
        Ok(())
    }
}

/// Why a handler could not do what it has to. Any error converts by `?` to one that is tried a few times.
pub struct HandlerError {
    pub(crate) kind: Kind,
    pub(crate) source: Box<dyn Error + Send + Sync>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Tried again until it succeeds.
    Transient,
    /// Not tried again.
    Permanent,
    /// Tried a few times.
    Unknown,
}

impl HandlerError {
    /// An error that will go away, however long it takes: a lost connection, a service that is down. The batch is tried
    /// again until it succeeds; nothing is put aside.
    pub fn transient(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let kind = Kind::Transient;
        let source = source.into();
        Self { kind, source }
    }

    /// An error that will not go away by trying again: the event is put aside at once.
    pub fn permanent(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        let kind = Kind::Permanent;
        let source = source.into();
        Self { kind, source }
    }
}

impl<E: Into<Box<dyn Error + Send + Sync>>> From<E> for HandlerError {
    fn from(source: E) -> Self {
        let kind = Kind::Unknown;
        let source = source.into();
        Self { kind, source }
    }
}

/// With its causes, since this is what an operator sees.
impl fmt::Display for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.source)?;
        let mut cause = self.source.source();
        while let Some(error) = cause {
            write!(f, ": {error}")?;
            cause = error.source();
        }
        Ok(())
    }
}

impl fmt::Debug for HandlerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}: {self}", self.kind)
    }
}
