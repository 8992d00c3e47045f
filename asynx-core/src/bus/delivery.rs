use std::fmt;

use futures::future::{self, BoxFuture, FutureExt, Shared};

use super::SubscriptionId;
use crate::Ancestry;

/// Tells when the handlers of one event have ended.
#[derive(Default, Clone)]
pub struct Delivery {
    handlers: Vec<(SubscriptionId, Shared<BoxFuture<'static, ()>>)>,
    behind_forget: Vec<SubscriptionId>,
}

impl Delivery {
    /// A delivery to these subscriptions; each future ends when that subscription is done with the event.
    #[must_use]
    pub fn new(handlers: Vec<(SubscriptionId, BoxFuture<'static, ()>)>) -> Self {
        let handlers = handlers.into_iter().map(|(id, done)| (id, done.shared()));
        Self {
            handlers: handlers.collect(),
            behind_forget: Vec::new(),
        }
    }

    /// With these subscriptions the event waits until forget handlers have cleaned up after the life before.
    #[must_use]
    pub fn behind_forget(mut self, subscriptions: Vec<SubscriptionId>) -> Self {
        self.behind_forget = subscriptions;
        self
    }

    /// To how many subscriptions the event went.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.handlers.len()
    }

    /// Whether the event went to no subscription.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.handlers.is_empty()
    }

    /// Waits until all are done, except those of whom `ancestry` says that they wait for the caller: waiting for them
    /// would never end. Nor does a handler wait for those behind a forget, which may wait for that very handler.
    ///
    /// # Cancel safety
    /// Safe: the handlers run on.
    pub async fn wait(self, ancestry: &Ancestry) {
        let others = self.handlers.into_iter();
        let waits_for_caller = |id| ancestry.contains(id) || (!ancestry.is_empty() && self.behind_forget.contains(&id));
        let others = others.filter(|(id, _)| !waits_for_caller(*id)).map(|(_, done)| done);
        future::join_all(others).await;
    }
}

impl fmt::Debug for Delivery {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.handlers.iter().map(|(id, _)| id)).finish()
    }
}
