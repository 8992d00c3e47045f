use std::sync::Arc;

use asynx_core::bus::{Pattern, SubscriptionId};
use asynx_core::{Aggregate, Event};

use crate::given::{Done, Given};
use crate::lanes::Behind;
use crate::queue::Queue;
use crate::registry::Registry;
use crate::tap::{Tap, Wants};

/// A subscription that lives.
pub(crate) struct Subscribed<A: Aggregate> {
    pub(crate) id: SubscriptionId,
    pub(crate) pattern: Pattern,
    pub(crate) to: To<A>,
}

/// Where its events go.
pub(crate) enum To<A: Aggregate> {
    Handler(Arc<Queue<A>>),
    Stream(Tap<A>),
}

impl<A: Aggregate> Subscribed<A> {
    /// Hands it an event.
    pub(crate) fn give(&self, registry: &Registry<A>, event: Event<A>, done: Option<Done>) -> Behind {
        match &self.to {
            To::Handler(queue) => {
                let caused = (!event.ancestry().is_empty()).then(|| registry.activity.caused());
                queue.give(Given::new(event, done, caused))
            }
            To::Stream(tap) => {
                if tap.give(event) == Wants::NoMore {
                    registry.finished(self.id);
                }
                Behind::Events
            }
        }
    }
}
