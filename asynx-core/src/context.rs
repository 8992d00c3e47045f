use std::cell::RefCell;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{self, Poll};

use crate::bus::SubscriptionId;
use crate::{Caught, EventId, Metadata};

/// The subscriptions whose handlers led to where the code is: the running handler first, then the one whose command
/// caused its event, and so on.
#[derive(Debug, Clone, Default)]
pub struct Ancestry(Option<Arc<Link>>);

#[derive(Debug)]
struct Link {
    subscription: SubscriptionId,
    parent: Ancestry,
}

impl Ancestry {
    /// This ancestry with one more generation.
    #[must_use]
    pub fn child(&self, subscription: SubscriptionId) -> Self {
        Self(Some(Arc::new(Link {
            subscription,
            parent: self.clone(),
        })))
    }

    /// Whether a handler of this subscription is waiting for what happens here.
    #[must_use]
    pub fn contains(&self, subscription: SubscriptionId) -> bool {
        let mut next = &self.0;
        while let Some(link) = next {
            if link.subscription == subscription {
                return true;
            }
            next = &link.parent.0;
        }
        false
    }

    /// Whether no handler led here.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.0.is_none()
    }
}

/// What a command inherits from the event whose handler sends it.
///
/// A bus runs each handler inside [`Context::scope`], so that whatever the handler sends finds it by
/// [`Context::current`]. Tasks that a handler spawns do not inherit it; there, name the event explicitly.
#[derive(Debug, Clone)]
pub struct Context {
    correlation_id: Arc<str>,
    causation_id: EventId,
    ancestry: Ancestry,
}

thread_local! {
    static CURRENT: RefCell<Option<Context>> = const { RefCell::new(None) };
}

impl Context {
    /// The context of a handler of an event. Commands sent in it carry the event's correlation id, or the event's own
    /// id where it has none.
    #[must_use]
    pub fn of(event_id: EventId, metadata: &Metadata, ancestry: Ancestry) -> Self {
        let correlation_id = match &metadata.correlation_id {
            Some(id) => id.as_str().into(),
            None => event_id.to_string().into(),
        };
        Self {
            correlation_id,
            causation_id: event_id,
            ancestry,
        }
    }

    /// The context of the handler that is running on this thread right now.
    #[must_use]
    pub fn current() -> Option<Self> {
        CURRENT.with_borrow(Clone::clone)
    }

    /// The handlers that led here.
    #[must_use]
    pub const fn ancestry(&self) -> &Ancestry {
        &self.ancestry
    }

    /// Fills in what the sender did not set.
    pub fn inherit(&self, metadata: &mut Metadata) {
        if metadata.correlation_id.is_none() {
            metadata.correlation_id = Some(self.correlation_id.to_string());
        }
        if metadata.causation_id.is_none() {
            metadata.causation_id = Some(self.causation_id.to_string());
        }
    }

    /// Runs code that makes a handler's future inside this context.
    pub fn enter<T>(&self, code: impl FnOnce() -> T) -> T {
        let _entered = Entered::new(self);
        code()
    }

    /// Runs a handler's future inside this context.
    pub fn scope<F: Future + Unpin>(self, future: F) -> Scope<F> {
        Scope {
            context: self,
            future: Caught::new(future),
        }
    }
}

struct Entered(Option<Context>);

impl Entered {
    fn new(context: &Context) -> Self {
        Self(CURRENT.replace(Some(context.clone())))
    }
}

impl Drop for Entered {
    fn drop(&mut self) {
        CURRENT.set(self.0.take());
    }
}

/// A future that is polled inside a [`Context`].
#[derive(Debug)]
pub struct Scope<F> {
    context: Context,
    future: Caught<F>,
}

impl<F: Future + Unpin> Future for Scope<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<F::Output> {
        let this = self.get_mut();
        let _entered = Entered::new(&this.context);
        Pin::new(this.future.get_mut()).poll(cx)
    }
}
