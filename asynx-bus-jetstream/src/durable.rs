use std::sync::{Arc, OnceLock, Weak};
use std::time::Duration;

use async_nats::jetstream::AckKind;
use asynx_bus::InProcessBus;
use asynx_core::bus::{
    Handler, HandlerError, HandlerFailure, Hooks, Pattern, Subscription, SubscriptionId, SubscriptionOptions, Target,
    handler,
};
use asynx_core::{Aggregate, Bus, BusError, Caught, Event, catch, catch_future, drop_caught};
use futures::channel::oneshot;
use futures::future::{self, AbortHandle, Abortable, Either};

use crate::JetStreamBusError;
use crate::hands::Hands;
use crate::pull;
use crate::shared::Shared;
use crate::wire::Wire;

/// A durable subscription: its place in the stream is kept by the server, and of all processes that subscribe by its
/// name one is given the events.
pub(crate) struct Durable<A: Aggregate> {
    id: OnceLock<SubscriptionId>,
    pub(crate) name: String,
    pub(crate) pattern: Pattern,
    pub(crate) start: u64,
    pub(crate) wire: Arc<Wire>,
    pub(crate) hands: Hands,
    handler: Caught<Handler<A>>,
    fallback: Option<Caught<Handler<A>>>,
    timeout: Option<Duration>,
    hooks: Hooks<A>,
    /// Keeps the order of each aggregate among what is in hand.
    pub(crate) lanes: InProcessBus<A>,
    pull: AbortHandle,
    refresh: AbortHandle,
}

impl<A: Aggregate> Durable<A> {
    /// Starts a subscription whose consumer, where it is new, begins behind what this process has seen.
    pub(crate) fn start(
        shared: &Shared<A>,
        name: &str,
        pattern: Pattern,
        handler: Handler<A>,
        options: SubscriptionOptions<A>,
    ) -> Result<Arc<Self>, BusError> {
        let wire = &shared.wire;
        let runtime = Arc::clone(&wire.runtime);
        let (pull, pulling) = AbortHandle::new_pair();
        let (refresh, refreshing) = AbortHandle::new_pair();
        let durable = Arc::new(Self {
            id: OnceLock::new(),
            name: name.to_owned(),
            pattern,
            start: shared.seen() + 1,
            wire: Arc::clone(wire),
            hands: Hands::new(wire.options.ack_wait, runtime.now()),
            handler: Caught::new(handler),
            fallback: options.fallback.map(Caught::new),
            timeout: options.timeout,
            hooks: shared.hooks.clone(),
            // Nobody is told of what it drops: that comes again.
            lanes: InProcessBus::new(Arc::clone(&runtime), Hooks::default()),
            pull,
            refresh,
        });
        let wrapped = Subscription {
            pattern: durable.pattern.clone(),
            target: Target::Handler(wrapped(Arc::downgrade(&durable))),
            options: SubscriptionOptions {
                name: options.name,
                concurrency: options.concurrency,
                ..SubscriptionOptions::default()
            },
        };
        let id = durable.lanes.subscribe(wrapped)?;
        let _ = durable.id.set(id);
        let work = pull::run(Arc::clone(&durable));
        runtime.spawn(Box::pin(async move {
            let _ = Abortable::new(work, pulling).await;
        }));
        let work = refresh_hands(Arc::downgrade(&durable), Arc::clone(wire));
        runtime.spawn(Box::pin(async move {
            let _ = Abortable::new(work, refreshing).await;
        }));
        Ok(durable)
    }

    pub(crate) fn id(&self) -> SubscriptionId {
        self.id.get().copied().unwrap_or(SubscriptionId::new(u64::MAX))
    }

    /// Takes no more: what is queued goes back to the server, what runs is finished.
    pub(crate) fn end(self: Arc<Self>) {
        self.pull.abort();
        let waiting = self.hands.remove_waiting();
        let runtime = Arc::clone(&self.wire.runtime);
        runtime.spawn(Box::pin(async move {
            give_back(waiting).await;
            pull::unpin(&self.wire, &self.name).await;
            // Those that run are kept alive until they have ended.
            self.lanes.idle().await;
            self.refresh.abort();
            self.lanes.close();
        }));
    }

    /// Ends with the bus: everything in hand goes back to the server, for another process or the next start.
    /// What it returns ends then.
    pub(crate) fn close(&self) -> oneshot::Receiver<()> {
        self.pull.abort();
        self.refresh.abort();
        self.lanes.close();
        let all = self.hands.remove_every();
        let (wire, name) = (Arc::clone(&self.wire), self.name.clone());
        let (done, given_back) = oneshot::channel();
        self.wire.runtime.spawn(Box::pin(async move {
            give_back(all).await;
            pull::unpin(&wire, &name).await;
            let _ = wire.client.flush().await;
            let _ = done.send(());
        }));
        given_back
    }

    /// Tries the handler until it succeeds or the attempts are used up; then the fallback; then the event is parked.
    /// Only then is it acknowledged, and the next one of its aggregate given.
    async fn handle(&self, event: &Event<A>) {
        let options = &self.wire.options;
        let runtime = &*self.wire.runtime;
        let Some(given) = self.hands.begin(event.id, runtime.now()) else {
            return;
        };
        // Who was given it before may have tried; one attempt is always left.
        let mut attempt = given.min(options.attempts - 1);
        let mut reason = loop {
            attempt += 1;
            let Some(reason) = self.attempt(&self.handler, event).await else {
                return self.acknowledge(event).await;
            };
            if attempt >= options.attempts {
                break reason;
            }
            runtime.sleep(options.pause_before(attempt + 1)).await;
            if self.hands.begin(event.id, runtime.now()).is_none() {
                return;
            }
        };
        if let Some(fallback) = &self.fallback {
            match self.attempt(fallback, event).await {
                None => return self.acknowledge(event).await,
                Some(failure) => reason = failure,
            }
        }
        self.park(event, attempt, &reason).await;
    }

    /// Why it failed; the hooks are told.
    async fn attempt(&self, handler: &Handler<A>, event: &Event<A>) -> Option<String> {
        let failure = try_once(handler, event, self.timeout, &self.wire).await.err()?;
        self.hooks.handler_failed(event, self.id(), &failure);
        let reason = failure.to_string();
        drop_caught(failure);
        Some(reason)
    }

    async fn acknowledge(&self, event: &Event<A>) {
        if let Some(hand) = self.hands.remove(event.id) {
            // Where it gets lost, the event comes again.
            let _ = hand.acker.ack().await;
        }
    }

    async fn park(&self, event: &Event<A>, attempts: u32, reason: &str) {
        let mut tries = 0;
        while self.hands.begin(event.id, self.wire.runtime.now()).is_some() {
            let parked = self
                .wire
                .park(&event.aggregate_id, &self.name, &self.hands, event.id, attempts, reason);
            match parked.await {
                Ok(()) => return self.acknowledge(event).await,
                Err(error) => self.wire.options.trouble(&error),
            }
            self.wire.pause(tries).await;
            tries += 1;
        }
    }
}

/// What the lanes call. They are the subscription's own, so it does not keep itself alive by them.
fn wrapped<A: Aggregate>(durable: Weak<Durable<A>>) -> Handler<A> {
    handler(move |event: Event<A>| {
        let durable = durable.upgrade();
        async move {
            if let Some(durable) = durable {
                durable.handle(&event).await;
            }
        }
    })
}

async fn try_once<A: Aggregate>(
    handler: &Handler<A>,
    event: &Event<A>,
    timeout: Option<Duration>,
    wire: &Wire,
) -> Result<(), HandlerFailure> {
    let called = catch(|| handler(event.clone())).map_err(HandlerFailure::Panicked)?;
    let handling = Box::pin(catch_future(called));
    let answer = |caught: Result<Result<(), HandlerError>, _>| match caught {
        Ok(handled) => handled.map_err(HandlerFailure::Failed),
        Err(panic) => Err(HandlerFailure::Panicked(panic)),
    };
    let Some(timeout) = timeout else {
        return answer(handling.await);
    };
    match future::select(handling, wire.runtime.sleep(timeout)).await {
        Either::Left((caught, _)) => answer(caught),
        Either::Right(_) => Err(HandlerFailure::TimedOut(timeout)),
    }
}

/// Gives signs of life for what is in hand.
async fn refresh_hands<A: Aggregate>(durable: Weak<Durable<A>>, wire: Arc<Wire>) {
    loop {
        wire.runtime.sleep(wire.options.ack_wait / 3).await;
        let Some(durable) = durable.upgrade() else { return };
        let now = wire.runtime.now();
        if wire.is_connected() {
            durable.hands.refresh(now).await;
        }
    }
}

/// Gives what was not handled back to the server, in order, for whoever is next.
pub(crate) async fn give_back(hands: Vec<crate::hands::Hand>) {
    for hand in hands {
        if hand.acker.ack_with(AckKind::Nak(None)).await.is_err() {
            return;
        }
    }
}

impl<A: Aggregate> Durable<A> {
    pub(crate) fn trouble(&self, error: &JetStreamBusError) {
        self.wire.options.trouble(error);
    }
}
