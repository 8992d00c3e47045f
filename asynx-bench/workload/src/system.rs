use std::future::{Future, ready};

use crate::{Action, Order};

/// A library with a store, as a client sees it. Clones share it.
pub trait System: Clone + Send + Sync + 'static {
    /// Carries an action out; it is as durable as the store can make it when this ends. The version of the event that it made,
    /// where the library tells.
    fn send(&self, id: &str, action: Action) -> impl Future<Output = Option<u64>> + Send;

    /// The state of an order, read as the library's users read it.
    fn state(&self, id: &str) -> impl Future<Output = Order> + Send;

    /// Called after the warm-up.
    fn warmed(&self) -> impl Future<Output = ()> + Send {
        ready(())
    }
}
