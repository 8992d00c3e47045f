//! How durable events reach handlers and streams: [`Bus`].

mod delivery;
mod handler;
mod hooks;
mod listener;
mod pattern;
mod subscription;

use std::sync::Arc;

use async_trait::async_trait;

pub use delivery::Delivery;
pub use handler::{ForgetHandler, Handler, HandlerError, HandlerOutput, handler};
pub use hooks::{HandlerFailure, Hooks, SnapshotTrouble};
pub use listener::{Feed, Listener, listener};
pub use pattern::{InvalidPattern, Pattern, topic};
pub use subscription::{Subscription, SubscriptionId, SubscriptionOptions, SubscriptionOverflow, Target};

use crate::{Aggregate, Event};

/// Why a bus could not do what it was asked.
#[derive(Debug, Clone, thiserror::Error)]
#[non_exhaustive]
pub enum BusError {
    /// The pattern cannot be used.
    #[error(transparent)]
    InvalidPattern(#[from] InvalidPattern),
    /// The bus was closed, by a shutdown.
    #[error("the bus is closed: its instance was shut down")]
    Closed,
    /// No subscription has this id: it ended, or it is another bus's.
    #[error("there is no subscription {0}: it has ended already, or is of another bus")]
    UnknownSubscription(SubscriptionId),
    /// A forget handler failed; the erasure waits until a forget succeeds.
    #[error("forget handler {subscription} failed: {failure}")]
    ForgetHandler {
        /// Which handler.
        subscription: SubscriptionId,
        /// How.
        failure: Arc<HandlerFailure>,
    },
    /// The event could not be handed over. It is durable all the same.
    #[error("the event was not handed over, it is stored all the same: {reason}")]
    NotHandedOver {
        /// Why.
        reason: String,
    },
}

/// Hands durable events to those who subscribed.
///
/// # Laws
/// - **B1** A subscription MUST be given every event whose whole name its pattern matches, published after
///   `subscribe` returned and before `unsubscribe` was called or its queue overflowed; each once.
/// - **B2** Per aggregate, a subscription, handler or stream, MUST be given events in the order of their publishing, one
///   after the other; of different aggregates at most [`concurrency`](SubscriptionOptions::concurrency) at a time.
/// - **B3** `publish` MUST NOT wait for handlers; one subscription MUST NOT delay another.
/// - **B4** A handler that panics, fails or exceeds its timeout MUST be told to the hooks, then its fallback MUST run
///   (and its failure be told too); a handler that timed out MUST be dropped; the next event MUST be handled.
/// - **B5** A [`Delivery`] MUST end when every handler of its event has ended, fallbacks included, or was
///   unsubscribed. It MUST NOT wait for a forget that may wait for the handler that caused the event.
/// - **B6** Forget handlers MUST run only after every subscription has finished what it was given of that aggregate
///   before the first poll of `forget`, and before any is given what comes after it; all MUST have succeeded when
///   `forget` is `Ok`. Subscriptions in the tombstone's ancestry wait for the forget, and are not waited for.
/// - **B7** A handler MUST run inside the [`Context`](crate::Context) of its event, with itself in the ancestry.
/// - **B8** `idle` MUST end when nothing given before it is queued or running. After `close`, `publish`, `subscribe`
///   and `forget` MUST answer [`BusError::Closed`], queued events MUST be told to the hooks as dropped, running
///   handlers MUST be dropped, streams MUST end.
/// - **B9** The tombstone MUST NOT reach handlers and streams of `subscribe`, whatever their pattern.
#[async_trait]
pub trait Bus<A: Aggregate>: Send + Sync + 'static {
    /// Hands an event over (B1-B4). Called in version order per aggregate, after the append.
    ///
    /// # Errors
    /// [`BusError`] when it could not be handed over; it is durable all the same.
    fn publish(&self, event: Event<A>) -> Result<(), BusError>;

    /// Hands an event over and tells when its handlers have ended (B5).
    ///
    /// # Errors
    /// [`BusError`] when it could not be handed over; it is durable all the same.
    fn publish_tracked(&self, event: Event<A>) -> Result<Delivery, BusError>;

    /// Lets a tombstone pass through every subscription's queue for its aggregate, then runs the forget handlers (B6).
    ///
    /// # Errors
    /// [`BusError::ForgetHandler`] when one failed; the others have run all the same.
    ///
    /// # Cancel safety
    /// Dropping the future leaves it open which forget handlers ran.
    async fn forget(&self, tombstone: Event<A>) -> Result<(), BusError>;

    /// Starts a subscription (B1).
    ///
    /// # Errors
    /// [`BusError::Closed`] after `close`.
    fn subscribe(&self, subscription: Subscription<A>) -> Result<SubscriptionId, BusError>;

    /// Adds a forget handler (B6).
    ///
    /// # Errors
    /// [`BusError::Closed`] after `close`.
    fn on_forget(&self, handler: ForgetHandler<A>) -> Result<SubscriptionId, BusError>;

    /// Ends a subscription or a forget handler: what is queued for it is dropped, what runs is finished.
    ///
    /// # Errors
    /// [`BusError::UnknownSubscription`] where there is none with this id.
    fn unsubscribe(&self, id: SubscriptionId) -> Result<(), BusError>;

    /// Ends when nothing is queued or running (B8).
    ///
    /// # Cancel safety
    /// Safe.
    async fn idle(&self);

    /// Ends the bus (B8). A second call does nothing.
    fn close(&self);
}
