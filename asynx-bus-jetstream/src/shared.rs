use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use asynx_bus::InProcessBus;
use asynx_core::bus::Hooks;
use asynx_core::{Aggregate, AggregateId, Bus, BusError, Event, EventId};
use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::{self, AbortHandle};

use crate::durable::Durable;
use crate::on_the_way::{OnTheWay, Waiting};
use crate::outbox::{Outbox, Sent};
use crate::wire::Wire;

/// What the tasks of a bus share.
pub(crate) struct Shared<A: Aggregate> {
    pub(crate) wire: Arc<Wire>,
    /// Hands events to the handlers and streams of this process that have no name, in the order of the stream.
    pub(crate) local: Arc<InProcessBus<A>>,
    pub(crate) hooks: Hooks<A>,
    pub(crate) on_the_way: OnTheWay<A>,
    pub(crate) outbox: Outbox<A>,
    /// Up to where the stream was given to `local`.
    seen: AtomicU64,
    closed: AtomicBool,
    inbox: AbortHandle,
    durable: Mutex<Vec<Arc<Durable<A>>>>,
    /// Ends for each durable subscription that was open at the end.
    giving_back: Mutex<Vec<oneshot::Receiver<()>>>,
    /// Of which aggregates forgets are under way, and how many.
    forgets: Mutex<HashMap<AggregateId, usize>>,
}

impl<A: Aggregate> Shared<A> {
    pub(crate) fn new(wire: Arc<Wire>, hooks: Hooks<A>, seen: u64, inbox: AbortHandle) -> Self {
        Self {
            local: Arc::new(InProcessBus::new(Arc::clone(&wire.runtime), hooks.clone())),
            wire,
            hooks,
            on_the_way: OnTheWay::new(),
            outbox: Outbox::new(),
            seen: AtomicU64::new(seen),
            closed: AtomicBool::new(false),
            inbox,
            durable: Mutex::default(),
            giving_back: Mutex::default(),
            forgets: Mutex::default(),
        }
    }

    pub(crate) fn is_closed(&self) -> bool {
        self.closed.load(Ordering::SeqCst)
    }

    pub(crate) fn seen(&self) -> u64 {
        self.seen.load(Ordering::SeqCst)
    }

    /// Everything up to there was given.
    pub(crate) fn saw(&self, sequence: u64) {
        self.seen.fetch_max(sequence, Ordering::SeqCst);
    }

    /// An event of this process has its place; whether it was one that waited for it.
    pub(crate) fn arrived(&self, id: EventId) -> bool {
        let waiting = self.on_the_way.take(id);
        let is_ours = !waiting.is_empty();
        for waiting in waiting {
            match waiting {
                Waiting::Event(reserved) => reserved.give(),
                Waiting::Forget(forget) => {
                    // Polled once here, so that the tombstone takes its place before a new life's events.
                    let mut forgetting = self.local_forget(forget.tombstone.into_inner());
                    let mut poll = || (&mut forgetting).now_or_never();
                    let polled = match &forget.context {
                        Some(context) => context.enter(poll),
                        None => poll(),
                    };
                    let forgetting = match polled {
                        Some(ended) => std::future::ready(ended).boxed(),
                        None => forgetting,
                    };
                    let _ = forget.started.send(forgetting);
                }
            }
        }
        self.on_the_way.passed(id);
        is_ours
    }

    /// What is to be done once an event was sent.
    pub(crate) fn sent(&self, event: &Event<A>, sent: Sent) {
        match sent {
            Sent::Stored => {}
            // Else it is still met.
            Sent::Before(sequence) if sequence > self.seen() => {}
            Sent::Before(_) => {
                let _ = self.arrived(event.id);
            }
            // The erasure matters, not its place.
            Sent::NotPublished(_) if event.event_name.is_tombstone() && !self.is_closed() => {
                let _ = self.arrived(event.id);
            }
            Sent::NotPublished(reason) => {
                drop(self.on_the_way.take(event.id));
                self.on_the_way.passed(event.id);
                self.hooks.publish_failed(event, &BusError::NotHandedOver { reason });
            }
        }
    }

    fn local_forget(&self, tombstone: Event<A>) -> futures::future::BoxFuture<'static, Result<(), BusError>> {
        let local = Arc::clone(&self.local);
        async move { local.forget(tombstone).await }.boxed()
    }

    /// Notes that an aggregate is being forgotten, until the value is dropped.
    pub(crate) fn forgetting(self: &Arc<Self>, id: &AggregateId) -> Forgetting<A> {
        *self.forgets().entry(id.clone()).or_default() += 1;
        Forgetting {
            shared: Arc::clone(self),
            id: id.clone(),
        }
    }

    pub(crate) fn is_forgetting(&self, id: &AggregateId) -> bool {
        self.forgets().contains_key(id)
    }

    /// Adds a durable subscription, unless the bus was closed.
    pub(crate) fn add(&self, durable: Arc<Durable<A>>) -> Result<(), BusError> {
        let mut all = self.durable();
        if self.is_closed() {
            return Err(BusError::Closed);
        }
        all.push(durable);
        Ok(())
    }

    pub(crate) fn all_durable(&self) -> Vec<Arc<Durable<A>>> {
        self.durable().clone()
    }

    pub(crate) fn remove(&self, id: asynx_core::bus::SubscriptionId) -> Option<Arc<Durable<A>>> {
        let mut durable = self.durable();
        let at = durable.iter().position(|one| one.id() == id)?;
        Some(durable.remove(at))
    }

    pub(crate) fn close(&self) {
        let durable = {
            let mut durable = self.durable();
            if self.closed.swap(true, Ordering::SeqCst) {
                return;
            }
            std::mem::take(&mut *durable)
        };
        self.inbox.abort();
        self.local.close();
        // The local bus, closed, tells the hooks of each.
        for waiting in self.on_the_way.close() {
            match waiting {
                Waiting::Event(reserved) => reserved.give(),
                Waiting::Forget(forget) => drop(forget),
            }
        }
        let giving_back = durable.iter().map(|durable| durable.close()).collect();
        *self.giving_back.lock().unwrap_or_else(PoisonError::into_inner) = giving_back;
    }

    /// Ends when what a closed bus had in hand was given back, or cannot be.
    pub(crate) async fn given_back(&self) {
        let giving_back = std::mem::take(&mut *self.giving_back.lock().unwrap_or_else(PoisonError::into_inner));
        let runtime = &self.wire.runtime;
        let timeout = runtime.sleep(self.wire.options.request_timeout);
        future::select(future::join_all(giving_back), timeout).await;
    }

    fn durable(&self) -> MutexGuard<'_, Vec<Arc<Durable<A>>>> {
        self.durable.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn forgets(&self) -> MutexGuard<'_, HashMap<AggregateId, usize>> {
        self.forgets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An aggregate that is being forgotten.
pub(crate) struct Forgetting<A: Aggregate> {
    shared: Arc<Shared<A>>,
    id: AggregateId,
}

impl<A: Aggregate> Drop for Forgetting<A> {
    fn drop(&mut self) {
        let mut forgets = self.shared.forgets();
        if let Some(count) = forgets.get_mut(&self.id) {
            *count -= 1;
            if *count == 0 {
                forgets.remove(&self.id);
            }
        }
    }
}
