use std::sync::Arc;

use asynx_core::bus::{ForgetHandler, HandlerFailure, Hooks, SubscriptionId};
use asynx_core::{Aggregate, BusError, Caught, Event, drop_caught};
use futures::future::{self, Either};

use crate::handling::{Handling, received_by};
use crate::registry::Closing;

/// A forget handler that lives.
pub(crate) struct OnForget<A> {
    pub(crate) id: SubscriptionId,
    pub(crate) handler: Caught<ForgetHandler<A>>,
}

/// Runs all forget handlers side by side; the first failure in the order of subscribing is returned (B6).
pub(crate) async fn run<A: Aggregate>(
    handlers: &[Arc<OnForget<A>>],
    tombstone: &Event<A>,
    hooks: &Hooks<A>,
    closing: &Closing,
) -> Result<(), BusError> {
    let runs = handlers
        .iter()
        .map(|handler| handler.run(tombstone, hooks, closing.clone()));
    let mut result = Ok(());
    for outcome in future::join_all(runs).await {
        if result.is_ok() {
            result = outcome;
        } else {
            drop_caught(outcome);
        }
    }
    result
}

impl<A: Aggregate> OnForget<A> {
    async fn run(&self, tombstone: &Event<A>, hooks: &Hooks<A>, closing: Closing) -> Result<(), BusError> {
        let tombstone = received_by(tombstone.clone(), self.id);
        let handled = match Handling::start(&self.handler, &tombstone) {
            Ok(handling) => match future::select(handling, closing).await {
                Either::Left((handled, _)) => handled,
                Either::Right((_, handling)) => {
                    drop(handling);
                    Err(HandlerFailure::Closed)
                }
            },
            Err(failure) => Err(failure),
        };
        handled.map_err(|failure| {
            hooks.handler_failed(&tombstone, self.id, &failure);
            match failure {
                HandlerFailure::Closed => BusError::Closed,
                failure => BusError::ForgetHandler {
                    subscription: self.id,
                    failure: Arc::new(failure),
                },
            }
        })
    }
}
