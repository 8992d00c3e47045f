use std::fmt;
use std::sync::Arc;

use asynx_core::bus::{Delivery, SubscriptionId};
use asynx_core::{Aggregate, Caught, Event};
use futures::FutureExt;
use futures::channel::oneshot;

use crate::activity::Caused;
use crate::given::Done;
use crate::registry::Registry;
use crate::routes::Route;

/// An event that is still on its way to those who wanted it when it was [reserved](crate::InProcessBus::reserve).
///
/// Dropped, it is given to nobody, and its [`Delivery`] ends.
pub struct Reserved<A: Aggregate> {
    registry: Arc<Registry<A>>,
    route: Route<A>,
    event: Caught<Event<A>>,
    done: Vec<Done>,
    /// For `idle`: a handler caused it, and it has not ended.
    _caused: Option<Caused>,
}

impl<A: Aggregate> Reserved<A> {
    pub(crate) fn new(registry: Arc<Registry<A>>, route: Route<A>, event: Caught<Event<A>>) -> Self {
        let caused = (!event.ancestry().is_empty()).then(|| registry.activity.caused());
        Self {
            registry,
            route,
            event,
            done: Vec::new(),
            _caused: caused,
        }
    }

    /// The event, with the ancestry that it has here.
    #[must_use]
    pub fn event(&self) -> &Event<A> {
        &self.event
    }

    /// Who will be given it.
    pub fn subscriptions(&self) -> impl Iterator<Item = SubscriptionId> {
        self.route.iter().map(|subscribed| subscribed.id)
    }

    /// Tells when the handlers have ended (B5). The last one asked for counts.
    pub fn delivery(&mut self) -> Delivery {
        let (done, ended): (Vec<_>, Vec<_>) = self.route.iter().map(|_| oneshot::channel()).unzip();
        self.done = done;
        let ended = self.subscriptions().zip(ended);
        Delivery::new(ended.map(|(id, ended)| (id, ended.map(drop).boxed())).collect())
    }

    /// Gives it to them; to none that ended meanwhile. Where the bus was closed, the hooks are told (B8).
    pub fn give(mut self) {
        let mut done = std::mem::take(&mut self.done).into_iter();
        for subscribed in self.route.iter() {
            subscribed.give(&self.registry, Event::clone(&self.event), done.next());
        }
    }
}

impl<A: Aggregate> fmt::Debug for Reserved<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Reserved").field(&*self.event).finish()
    }
}
