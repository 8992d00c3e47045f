use std::fmt;

use async_trait::async_trait;
use asynx_core::store::{AppendError, NewEvent, SoleWriter, StoredEvent};
use asynx_core::{Position, Store, StoreError, StreamId, Version};

/// Shows the five methods of a store that it must have, and hides the rest: what is built on top of them by default is
/// used then.
///
/// It can also give out wrong events, as a broken store would, or leases of its own.
pub struct FiveMethods<S> {
    inner: S,
    spoil: fn(&mut Vec<StoredEvent>),
    sole_writer: Option<Box<dyn SoleWriter>>,
}

impl<S: Store> FiveMethods<S> {
    /// Hides all but five methods of a store.
    #[must_use]
    pub fn of(store: S) -> Self {
        Self {
            inner: store,
            spoil: |_| {},
            sole_writer: None,
        }
    }

    /// Changes what `read_range` gives.
    #[must_use]
    pub fn spoiling(self, spoil: fn(&mut Vec<StoredEvent>)) -> Self {
        Self { spoil, ..self }
    }

    /// Gives leases, from here.
    #[must_use]
    pub fn with_sole_writer(self, sole_writer: impl SoleWriter) -> Self {
        Self {
            sole_writer: Some(Box::new(sole_writer)),
            ..self
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for FiveMethods<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("FiveMethods").field(&self.inner).finish()
    }
}

#[async_trait]
impl<S: Store> Store for FiveMethods<S> {
    async fn append(&self, stream: &StreamId, event: NewEvent) -> Result<Option<Position>, AppendError> {
        self.inner.append(stream, event).await
    }

    async fn read_from(&self, stream: &StreamId, from: Version) -> Result<Vec<StoredEvent>, StoreError> {
        self.inner.read_from(stream, from).await
    }

    async fn read_range(&self, stream: &StreamId, from: Version, count: usize) -> Result<Vec<StoredEvent>, StoreError> {
        let mut events = self.inner.read_range(stream, from, count).await?;
        (self.spoil)(&mut events);
        Ok(events)
    }

    async fn count(&self, stream: &StreamId, from: Version) -> Result<u64, StoreError> {
        self.inner.count(stream, from).await
    }

    async fn delete(&self, stream: &StreamId) -> Result<(), StoreError> {
        self.inner.delete(stream).await
    }

    fn sole_writer(&self) -> Option<&dyn SoleWriter> {
        self.sole_writer.as_deref()
    }
}
