use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use asynx_core::bus::{
    self, BusError, Handler, HandlerOutput, InvalidPattern, Listener, Pattern, Subscription, SubscriptionId,
    SubscriptionOptions, SubscriptionOverflow, Target,
};
use asynx_core::{Aggregate, Bus, Event};

pub use asynx_core::bus::topic;

/// A subscription that is not started yet.
#[must_use = "a subscription gets events only after `start`"]
pub struct Subscribing<A: Aggregate> {
    bus: Arc<dyn Bus<A>>,
    pattern: Pattern,
    handler: Handler<A>,
    options: SubscriptionOptions<A>,
}

impl<A: Aggregate> Subscribing<A> {
    pub(crate) fn new(bus: Arc<dyn Bus<A>>, pattern: &str, handler: Handler<A>) -> Result<Self, InvalidPattern> {
        Ok(Self {
            bus,
            pattern: Pattern::parse(pattern)?,
            handler,
            options: SubscriptionOptions::default(),
        })
    }

    /// Names the handler in spans and figures; `unnamed` by default.
    pub fn named(mut self, name: &'static str) -> Self {
        self.options.name = name;
        self
    }

    /// Runs `handler` for an event whose handler panicked, failed or timed out.
    pub fn fallback<F, Fut>(mut self, handler: F) -> Self
    where
        F: Fn(Event<A>) -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
        Fut::Output: HandlerOutput,
    {
        self.options.fallback = Some(bus::handler(handler));
        self
    }

    /// How long the handler, and then its fallback, may run. After that it is dropped at its next await.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.options.timeout = Some(timeout);
        self
    }

    /// Of how many aggregates events may be handled at the same time; 16 by default.
    pub fn concurrency(mut self, concurrency: NonZeroUsize) -> Self {
        self.options.concurrency = concurrency;
        self
    }

    /// How many events may wait, and which is dropped, and told to the hook, when one more comes.
    pub fn capacity(mut self, capacity: NonZeroUsize, overflow: SubscriptionOverflow) -> Self {
        self.options.capacity = Some(capacity);
        self.options.overflow = overflow;
        self
    }

    /// Starts it: events published from now on are handled.
    ///
    /// # Errors
    /// [`BusError::Closed`] after a shutdown.
    pub fn start(self) -> Result<SubscriptionId, BusError> {
        self.bus.subscribe(Subscription {
            pattern: self.pattern,
            target: Target::Handler(self.handler),
            options: self.options,
        })
    }
}

impl<A: Aggregate> std::fmt::Debug for Subscribing<A> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Subscribing")
            .field("pattern", &self.pattern)
            .finish_non_exhaustive()
    }
}

pub(crate) fn listen<A: Aggregate>(
    bus: &dyn Bus<A>,
    pattern: &str,
    count: Option<usize>,
) -> Result<Listener<A>, BusError> {
    if pattern.is_empty() {
        return Err(InvalidPattern::Empty.into());
    }
    let pattern = Pattern::parse(&topic(pattern))?;
    let (feed, listener) = bus::listener(count);
    bus.subscribe(Subscription {
        pattern,
        target: Target::Stream(feed),
        options: SubscriptionOptions {
            name: "listener",
            ..SubscriptionOptions::default()
        },
    })?;
    Ok(listener)
}
