use std::sync::Arc;

use async_trait::async_trait;
use asynx_core::store::LogEvent;
use asynx_core::{Category, Error, Store, StreamId};

/// Makes of the events of the log what a projection is given.
#[async_trait]
#[diagnostic::on_unimplemented(
    message = "`{Self}` decodes no events",
    note = "use `Typed<Order>` for events with states, `Untyped` for what is stored"
)]
pub trait Decode: Send + Sync + 'static {
    /// What it makes.
    type Entry: Send + Sync + 'static;

    /// The only category whose events it can decode; `None`: all.
    fn category(&self) -> Option<Category>;

    /// Decodes a page of events in the order of the log; one result for each. An event that fails is told alone.
    ///
    /// # Errors
    /// [`Error::Store`] when the store cannot be read, and [`Error::SchemaNewer`] where a newer program has to read on.
    async fn decode(&mut self, store: &Arc<dyn Store>, page: &[LogEvent]) -> Result<Vec<Decoded<Self::Entry>>, Error>;

    /// Forgets what it keeps of streams, since some of their events were rolled back ([`Inline`](crate::Inline)). False
    /// where it cannot, which is the default: another decoder takes its place then.
    fn forget(&mut self, streams: &[StreamId]) -> bool {
        let _ = streams;
        false
    }
}

/// An entry, or why its event cannot be read.
pub type Decoded<E> = Result<Arc<E>, Error>;

/// Gives the events as they are stored, of all categories: metadata and patch, no states.
#[derive(Debug, Clone, Copy, Default)]
pub struct Untyped;

#[async_trait]
impl Decode for Untyped {
    type Entry = LogEvent;

    fn category(&self) -> Option<Category> {
        None
    }

    async fn decode(&mut self, _: &Arc<dyn Store>, page: &[LogEvent]) -> Result<Vec<Decoded<LogEvent>>, Error> {
        Ok(page.iter().map(|event| Ok(Arc::new(event.clone()))).collect())
    }

    fn forget(&mut self, _: &[StreamId]) -> bool {
        true
    }
}
