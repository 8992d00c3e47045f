use std::collections::{BTreeSet, HashSet};
use std::fmt;
use std::sync::{Arc, Mutex as StdMutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use asynx_core::store::{InlineBatch, InlineProjection, LogEvent};
use asynx_core::{Category, Error, StoreError, StreamId};
use futures::lock::Mutex;

use crate::projection::{Batch, HandlerError, Kind};
use crate::{Decode, TransactionalProjection};

/// A [`TransactionalProjection`] that runs in the transaction of the append itself: its read model is never behind.
///
/// Give it to the options of the PostgreSQL or the SQLite store, by `with_inline`. Every append of its categories waits
/// for its handler, and fails where that fails; `docs/projections.md` says when that is worth its price.
///
/// The handler writes in the transaction that it is given, and does nothing else that lasts: the transaction may be
/// rolled back, and what it was given comes again then, or something else in its place. It sends no commands, which would
/// wait for it.
///
/// ```
/// use asynx_core::Aggregate;
/// use asynx_core::store::InlineProjection;
/// use asynx_projection::{Batch, Entry, HandlerError, Inline, TransactionalProjection, Typed};
/// # #[derive(Clone, serde::Serialize, serde::Deserialize)] struct Account { owner: String }
/// # impl Aggregate for Account { const CATEGORY: &'static str = "account"; }
/// # struct Transaction;
/// # impl Transaction { async fn write(&mut self, _: &str, _: Option<&str>) -> Result<(), std::io::Error> { Ok(()) } }
///
/// struct Owners;
///
/// #[async_trait::async_trait]
/// impl TransactionalProjection<Transaction> for Owners {
///     type Decode = Typed<Account>;
///
///     async fn handle(&self, transaction: &mut Transaction, batch: Batch<'_, Entry<Account>>) -> Result<(), HandlerError> {
///         for entry in batch.iter() {
///             let owner = entry.event().map(|event| &*event.aggregate.owner);
///             transaction.write(entry.aggregate_id().as_str(), owner).await?;
///         }
///         Ok(())
///     }
/// }
///
/// let owners = Inline::new("owners", Typed::new, Owners).with_version(2);
/// assert_eq!(InlineProjection::<Transaction>::categories(&owners)[0].as_str(), "account");
/// ```
pub struct Inline<P, D> {
    name: String,
    version: u32,
    categories: Vec<Category>,
    timeout: Duration,
    projection: P,
    decoder: Box<dyn Fn() -> D + Send + Sync>,
    /// What decodes keeps what it has folded.
    decode: Mutex<D>,
    /// The streams of which it may have folded events that were rolled back.
    doubtful: StdMutex<HashSet<StreamId>>,
}

/// How many doubtful streams are told apart.
const DOUBTS: usize = 10_000;

impl<P, D: Decode> Inline<P, D> {
    /// A projection with a name (1 to 120 bytes, unique in the store), what decodes for it, and what handles. Version 1;
    /// the handler has 5 seconds.
    pub fn new(name: impl Into<String>, decoder: impl Fn() -> D + Send + Sync + 'static, projection: P) -> Self {
        let decode = decoder();
        Self {
            name: name.into(),
            version: 1,
            categories: decode.category().into_iter().collect(),
            timeout: Duration::from_secs(5),
            projection,
            decode: Mutex::new(decode),
            decoder: Box::new(decoder),
            doubtful: StdMutex::default(),
        }
    }

    /// Sets the version, at least 1: raised, the projection is built anew, beside the old one. Give each version its own
    /// table.
    #[must_use]
    pub const fn with_version(mut self, version: u32) -> Self {
        self.version = version;
        self
    }

    /// Sets whose events it wants: for what is untyped, which wants all otherwise; what is typed knows its category.
    #[must_use]
    pub fn with_categories(mut self, categories: impl IntoIterator<Item = Category>) -> Self {
        self.categories = categories.into_iter().collect();
        self
    }

    /// Sets how long the handler may take for what one transaction appends, at most 256 events unless the lanes are told
    /// otherwise. Keep it well below the timeout of the lanes (30 seconds).
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    async fn decoded(&self, batch: &InlineBatch<'_>) -> Result<Vec<Arc<D::Entry>>, StoreError> {
        let mut decode = self.decode.lock().await;
        // From now on, until it is known that they are committed.
        let doubtful: Vec<StreamId> = {
            let mut doubts = self.doubts();
            let streams: BTreeSet<&StreamId> = batch.events.iter().map(|event| &event.stream).collect();
            let doubtful = streams.into_iter().filter(|stream| !doubts.insert((*stream).clone()));
            doubtful.cloned().collect()
        };
        let mut forgotten = doubtful.is_empty() || decode.forget(&doubtful);
        if self.doubts().len() > DOUBTS {
            forgotten = false;
            let mut doubts = self.doubts();
            doubts.clear();
            doubts.extend(batch.events.iter().map(|event| event.stream.clone()));
        }
        if !forgotten {
            *decode = (self.decoder)();
        }
        let decoded = decode.decode(batch.store, batch.events).await;
        let decoded = decoded.map_err(unreadable)?;
        if decoded.len() != batch.events.len() {
            return Err(StoreError::permanent("the decoder left events out"));
        }
        decoded.into_iter().map(|entry| entry.map_err(unreadable)).collect()
    }

    fn doubts(&self) -> MutexGuard<'_, HashSet<StreamId>> {
        self.doubtful.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl<T, P, D> InlineProjection<T> for Inline<P, D>
where
    T: Send + 'static,
    P: TransactionalProjection<T, Decode = D>,
    D: Decode,
{
    fn name(&self) -> &str {
        &self.name
    }

    fn version(&self) -> u32 {
        self.version
    }

    fn categories(&self) -> &[Category] {
        &self.categories
    }

    fn timeout(&self) -> Duration {
        self.timeout
    }

    async fn apply(&self, transaction: &mut T, batch: &InlineBatch<'_>) -> Result<(), StoreError> {
        let entries = self.decoded(batch).await?;
        let batch = Batch::new(&entries, batch.replayed);
        self.projection.handle(transaction, batch).await.map_err(failed)
    }

    fn committed(&self, events: &[LogEvent]) {
        let mut doubts = self.doubts();
        for event in events {
            doubts.remove(&event.stream);
        }
    }

    async fn switched(&self, transaction: &mut T) -> Result<(), StoreError> {
        self.projection.switched(transaction).await.map_err(failed)
    }

    async fn removed(&self, transaction: &mut T) -> Result<(), StoreError> {
        self.projection.removed(transaction).await.map_err(failed)
    }
}

impl<P, D> fmt::Debug for Inline<P, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inline")
            .field("name", &self.name)
            .field("version", &self.version)
            .field("categories", &self.categories)
            .finish_non_exhaustive()
    }
}

/// An event that cannot be decoded.
fn unreadable(error: Error) -> StoreError {
    let said = "an event cannot be decoded";
    match &error {
        Error::Store { source } if source.is_transient() => StoreError::transient(said).caused_by(error),
        _ => StoreError::permanent(said).caused_by(error),
    }
}

fn failed(error: HandlerError) -> StoreError {
    let said = "the handler failed";
    let failed = match error.kind {
        Kind::Transient => StoreError::transient(said),
        Kind::Permanent | Kind::Unknown => StoreError::permanent(said),
    };
    failed.caused_by(error.source)
}
