use asynx_core::{Aggregate, Caught, Event};
use futures::channel::oneshot;

use crate::activity::Caused;

/// Dropping it tells who waits. It may wake a task, so it is not dropped under a lock.
pub(crate) type Done = oneshot::Sender<()>;

/// An event on its way through one queue. Fields are dropped in their order: who waits is told last.
pub(crate) struct Given<A> {
    pub(crate) event: Caught<Event<A>>,
    pub(crate) done: Option<Done>,
    pub(crate) caused: Option<Caused>,
}

impl<A: Aggregate> Given<A> {
    pub(crate) const fn new(event: Event<A>, done: Option<Done>, caused: Option<Caused>) -> Self {
        Self {
            event: Caught::new(event),
            done,
            caused,
        }
    }
}

/// An event that a worker handles. Its `done` stays with the queue, so that an `unsubscribe` can end it.
pub(crate) struct Job<A> {
    pub(crate) event: Caught<Event<A>>,
    pub(crate) caused: Option<Caused>,
}
