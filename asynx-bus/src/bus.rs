use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use asynx_core::bus::{Delivery, ForgetHandler, Hooks, Subscription, SubscriptionId};
use asynx_core::{Aggregate, Bus, BusError, Event, EventName, Runtime};

use crate::registry::Registry;
use crate::reserved::Reserved;

/// A bus within one process.
///
/// Every subscription has a queue of its own, in it a lane for each aggregate that has events waiting. Handlers run in
/// tasks of the [`Runtime`]; while nothing is to be handled there are none. Streams are fed by `publish` itself,
/// so they have the events of all aggregates in the order of publishing.
///
/// - A handler that never gives way (a blocking call, an endless loop) holds one of its subscription's places and a
///   thread of the runtime. A timeout or `close` takes effect when it gives way.
/// - A subscription that ends by `unsubscribe` ends the [`Delivery`] of the event it is handling at once; `forget` and
///   `idle` wait for that handler all the same.
/// - `unsubscribe` drops what waits in a stream; after `close`, what waits in it can still be taken.
/// - Called from inside a handler, `forget` and `idle` do not wait for the subscriptions that
///   [led](asynx_core::Ancestry) there: they would wait for themselves. Those may have older events of that aggregate
///   queued when the forget handlers run.
/// - When the runtime drops a handler's task, its subscription is closed and what waited is told to the hooks.
///
/// - Forget handlers run in the future that `forget` returns; `idle` does not wait for them.
///
/// Dropping the bus closes it. A handler that holds an `Arc` of its bus keeps it from being dropped until it is closed.
pub struct InProcessBus<A: Aggregate> {
    registry: Arc<Registry<A>>,
}

impl<A: Aggregate> InProcessBus<A> {
    /// A bus whose handlers run on `runtime` and whose troubles are told to `hooks`.
    #[must_use]
    pub fn new(runtime: Arc<dyn Runtime>, hooks: Hooks<A>) -> Self {
        Self {
            registry: Registry::new(runtime, hooks),
        }
    }

    /// Takes an event in and notes who wants it now, without giving it to them yet: for a bus that brings events of
    /// several processes into one order first. The event becomes a descendant of the handler that calls this.
    ///
    /// `idle` waits for what a handler caused and reserved, and for nothing else that is only reserved; nor does `forget`.
    ///
    /// # Errors
    /// [`BusError::Closed`] after `close`.
    pub fn reserve(&self, event: Event<A>) -> Result<Reserved<A>, BusError> {
        self.registry.reserve(event)
    }

    /// Whether anybody wants events of this name. Not after `close`.
    #[must_use]
    pub fn is_wanted(&self, name: &EventName) -> bool {
        self.registry.is_wanted(name)
    }
}

#[async_trait]
impl<A: Aggregate> Bus<A> for InProcessBus<A> {
    fn publish(&self, event: Event<A>) -> Result<(), BusError> {
        self.registry.publish(event)
    }

    fn publish_tracked(&self, event: Event<A>) -> Result<Delivery, BusError> {
        self.registry.publish_tracked(event)
    }

    async fn forget(&self, tombstone: Event<A>) -> Result<(), BusError> {
        self.registry.forget(tombstone).await
    }

    fn subscribe(&self, subscription: Subscription<A>) -> Result<SubscriptionId, BusError> {
        self.registry.subscribe(subscription)
    }

    fn on_forget(&self, handler: ForgetHandler<A>) -> Result<SubscriptionId, BusError> {
        self.registry.on_forget(handler)
    }

    fn unsubscribe(&self, id: SubscriptionId) -> Result<(), BusError> {
        self.registry.unsubscribe(id)
    }

    /// Ends when everything that was given before has ended, and then what handlers caused meanwhile.
    ///
    /// # Cancel safety
    /// Safe.
    async fn idle(&self) {
        self.registry.idle().await;
    }

    fn close(&self) {
        self.registry.close();
    }
}

impl<A: Aggregate> Drop for InProcessBus<A> {
    fn drop(&mut self) {
        self.registry.close();
    }
}

impl<A: Aggregate> fmt::Debug for InProcessBus<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InProcessBus").finish_non_exhaustive()
    }
}
