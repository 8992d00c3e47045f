use std::fmt;
use std::num::NonZeroUsize;
use std::time::Duration;

use super::{Feed, Handler, Pattern};

/// Names a subscription or a forget handler of one bus.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SubscriptionId(u64);

impl SubscriptionId {
    /// An id from a number that the bus has not used before.
    #[must_use]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for SubscriptionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What happens to an event when a subscription's queue is full. The dropped event goes to the hooks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum SubscriptionOverflow {
    /// The new event is dropped.
    #[default]
    DropNewest,
    /// The event that waits longest is dropped.
    DropOldest,
}

/// How a subscription treats its events.
pub struct SubscriptionOptions<A> {
    /// What the handler is called in spans and figures; `unnamed` by default. A constant, since a recorder keeps every
    /// name that it was ever told.
    pub name: &'static str,
    /// Runs when the handler panicked, failed or timed out, under the same timeout.
    pub fallback: Option<Handler<A>>,
    /// How long the handler may run; `None`, the default, for ever.
    pub timeout: Option<Duration>,
    /// Of how many aggregates events may be handled at the same time; 16 by default. Events of one aggregate are
    /// always handled one after the other.
    pub concurrency: NonZeroUsize,
    /// How many events may wait; `None`, the default, any number.
    pub capacity: Option<NonZeroUsize>,
    /// What happens when `capacity` is reached.
    pub overflow: SubscriptionOverflow,
}

impl<A> Default for SubscriptionOptions<A> {
    fn default() -> Self {
        Self {
            name: "unnamed",
            fallback: None,
            timeout: None,
            concurrency: NonZeroUsize::new(16).expect("16 is not 0"),
            capacity: None,
            overflow: SubscriptionOverflow::default(),
        }
    }
}

/// Where a subscription's events go.
pub enum Target<A> {
    /// To a function, one aggregate's events one after the other.
    Handler(Handler<A>),
    /// To a stream, in the order of the bus: of each aggregate that of publishing (B2), of all of them as the bus tells.
    /// Concurrency, fallback and timeout do not apply.
    Stream(Feed<A>),
}

/// A subscription to start.
pub struct Subscription<A> {
    /// Which events.
    pub pattern: Pattern,
    /// Where they go.
    pub target: Target<A>,
    /// How they are treated.
    pub options: SubscriptionOptions<A>,
}

impl<A> fmt::Debug for Subscription<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("pattern", &self.pattern)
            .finish_non_exhaustive()
    }
}
