use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use asynx_bus::Reserved;
use asynx_core::{Aggregate, BusError, Caught, Context, Event, EventId};
use futures::channel::oneshot;
use futures::future::{self, BoxFuture};

/// What this process has published and not met yet in the stream.
pub(crate) struct OnTheWay<A: Aggregate>(Mutex<State<A>>);

struct State<A: Aggregate> {
    is_open: bool,
    waiting: HashMap<EventId, Vec<Waiting<A>>>,
    /// Who waits until all that was on the way has passed.
    barriers: HashMap<EventId, Vec<oneshot::Sender<()>>>,
}

/// What waits for its place in the order.
pub(crate) enum Waiting<A: Aggregate> {
    Event(Reserved<A>),
    Forget(Forget<A>),
}

pub(crate) struct Forget<A: Aggregate> {
    pub(crate) tombstone: Caught<Event<A>>,
    /// That of who forgets.
    pub(crate) context: Option<Context>,
    pub(crate) started: oneshot::Sender<BoxFuture<'static, Result<(), BusError>>>,
}

impl<A: Aggregate> OnTheWay<A> {
    pub(crate) fn new() -> Self {
        Self(Mutex::new(State {
            is_open: true,
            waiting: HashMap::new(),
            barriers: HashMap::new(),
        }))
    }

    /// Notes that something is on its way; it comes back when the bus is closed.
    pub(crate) fn insert(&self, id: EventId, waiting: Waiting<A>) -> Result<(), Waiting<A>> {
        let mut state = self.state();
        if !state.is_open {
            return Err(waiting);
        }
        state.waiting.entry(id).or_default().push(waiting);
        Ok(())
    }

    /// What waited for this event. It has passed once `passed` was called, when it was given to the handlers.
    pub(crate) fn take(&self, id: EventId) -> Vec<Waiting<A>> {
        self.state()
            .waiting
            .get_mut(&id)
            .map(std::mem::take)
            .unwrap_or_default()
    }

    pub(crate) fn passed(&self, id: EventId) {
        let mut state = self.state();
        if state.waiting.get(&id).is_some_and(|waiting| !waiting.is_empty()) {
            // One more came meanwhile.
            return;
        }
        state.waiting.remove(&id);
        let told = state.barriers.remove(&id);
        drop(state);
        drop(told);
    }

    /// Ends when everything that is on its way now has passed.
    pub(crate) fn all_passed(&self) -> impl Future<Output = ()> + use<A> {
        let mut receivers = Vec::new();
        let mut state = self.state();
        let ids: Vec<EventId> = state.waiting.keys().copied().collect();
        for id in ids {
            let (tell, told) = oneshot::channel();
            state.barriers.entry(id).or_default().push(tell);
            receivers.push(told);
        }
        drop(state);
        async move {
            future::join_all(receivers).await;
        }
    }

    /// Takes nothing in any more; what was on its way comes back.
    pub(crate) fn close(&self) -> Vec<Waiting<A>> {
        let mut state = self.state();
        state.is_open = false;
        let waiting = std::mem::take(&mut state.waiting);
        let barriers = std::mem::take(&mut state.barriers);
        drop(state);
        drop(barriers);
        waiting.into_values().flatten().collect()
    }

    fn state(&self) -> MutexGuard<'_, State<A>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
