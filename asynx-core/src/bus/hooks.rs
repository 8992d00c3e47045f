use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::{BusError, HandlerError, SubscriptionId};
use crate::{Aggregate, Event, Panic, StoreError, StreamId, TraceContext, Version};

/// How a handler failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum HandlerFailure {
    /// It panicked.
    #[error("{0}")]
    Panicked(Panic),
    /// It did not end in time, and was dropped.
    #[error("did not end within {0:?}")]
    TimedOut(Duration),
    /// It returned an error.
    #[error(transparent)]
    Failed(HandlerError),
    /// It was never given the event: its queue was full.
    #[error("the queue of {0} events was full, the event was dropped")]
    Overflowed(usize),
    /// It was never given the event, or not to the end: the bus was closed.
    #[error("the bus was closed before the event was handled")]
    Closed,
}

/// The part of the subscription in which a failure happened is not told apart: a fallback's failure comes as well.
type OnHandler<A> = dyn Fn(&Event<A>, SubscriptionId, &HandlerFailure) + Send + Sync;
type OnPublish<A> = dyn Fn(&Event<A>, &BusError) + Send + Sync;
type OnSnapshot = dyn Fn(&StreamId, &SnapshotTrouble) + Send + Sync;
type TraceOf = dyn Fn() -> Option<TraceContext> + Send + Sync;

/// Trouble with a snapshot. It never fails a command: the state comes from replay.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotTrouble {
    /// The snapshot cannot be read back; it will be written anew.
    #[error(
        "the snapshot at version {version} is corrupt: {reason}; the state comes from the events, and it is written anew"
    )]
    Corrupt {
        /// The version it is of.
        version: Version,
        /// What is wrong with it.
        reason: String,
    },
    /// The snapshot could not be written.
    #[error(
        "the snapshot at version {version} was not written: {source}; loads read more events until there is a newer one"
    )]
    NotWritten {
        /// The version it is of.
        version: Version,
        /// What the store said.
        source: StoreError,
    },
}

/// What to call when something fails that no caller waits for, and for the trace context of a command. A hook that
/// panics is ignored.
pub struct Hooks<A> {
    on_handler: Option<Arc<OnHandler<A>>>,
    on_publish: Option<Arc<OnPublish<A>>>,
    on_snapshot: Option<Arc<OnSnapshot>>,
    trace_of: Option<Arc<TraceOf>>,
}

impl<A: Aggregate> Hooks<A> {
    /// Calls `hook` when a handler or a fallback panics, fails, times out or misses an event.
    #[must_use]
    pub fn on_handler_failure(
        mut self,
        hook: impl Fn(&Event<A>, SubscriptionId, &HandlerFailure) + Send + Sync + 'static,
    ) -> Self {
        self.on_handler = Some(Arc::new(hook));
        self
    }

    /// Calls `hook` when the bus could not take a durable event.
    #[must_use]
    pub fn on_publish_error(mut self, hook: impl Fn(&Event<A>, &BusError) + Send + Sync + 'static) -> Self {
        self.on_publish = Some(Arc::new(hook));
        self
    }

    /// Calls `hook` when a snapshot is corrupt or cannot be written.
    #[must_use]
    pub fn on_snapshot_trouble(mut self, hook: impl Fn(&StreamId, &SnapshotTrouble) + Send + Sync + 'static) -> Self {
        self.on_snapshot = Some(Arc::new(hook));
        self
    }

    /// Calls `hook` for the trace context of a command that brings none, where the command is sent from.
    #[must_use]
    pub fn trace_context(mut self, hook: impl Fn() -> Option<TraceContext> + Send + Sync + 'static) -> Self {
        self.trace_of = Some(Arc::new(hook));
        self
    }

    /// The trace context of whoever calls this.
    #[must_use]
    pub fn current_trace_context(&self) -> Option<TraceContext> {
        let hook = self.trace_of.as_ref()?;
        crate::catch(|| hook()).ok()?
    }

    /// Tells that a handler failed.
    pub fn handler_failed(&self, event: &Event<A>, id: SubscriptionId, failure: &HandlerFailure) {
        if let Some(hook) = &self.on_handler {
            let _ = crate::catch(|| hook(event, id, failure));
        }
    }

    /// Tells that an event could not be handed over.
    pub fn publish_failed(&self, event: &Event<A>, error: &BusError) {
        if let Some(hook) = &self.on_publish {
            let _ = crate::catch(|| hook(event, error));
        }
    }

    /// Tells that there is trouble with a snapshot.
    pub fn snapshot_trouble(&self, stream: &StreamId, trouble: &SnapshotTrouble) {
        if let Some(hook) = &self.on_snapshot {
            let _ = crate::catch(|| hook(stream, trouble));
        }
    }
}

impl<A> Default for Hooks<A> {
    fn default() -> Self {
        Self {
            on_handler: None,
            on_publish: None,
            on_snapshot: None,
            trace_of: None,
        }
    }
}

impl<A> Clone for Hooks<A> {
    fn clone(&self) -> Self {
        Self {
            on_handler: self.on_handler.clone(),
            on_publish: self.on_publish.clone(),
            on_snapshot: self.on_snapshot.clone(),
            trace_of: self.trace_of.clone(),
        }
    }
}

impl<A> fmt::Debug for Hooks<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hooks")
            .field("on_handler", &self.on_handler.is_some())
            .field("on_publish", &self.on_publish.is_some())
            .field("on_snapshot", &self.on_snapshot.is_some())
            .field("trace_of", &self.trace_of.is_some())
            .finish()
    }
}
