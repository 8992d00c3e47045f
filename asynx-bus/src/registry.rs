use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use asynx_core::bus::{Delivery, ForgetHandler, Hooks, Subscription, SubscriptionId, Target};
use asynx_core::{Aggregate, Ancestry, BusError, Caught, Context, Event, EventName, Runtime};
use asynx_observe::HandlerFigures;
use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::{self, Shared};

use crate::activity::Activity;
use crate::forget::{self, OnForget};
use crate::lanes::Behind;
use crate::queue::{Hold, Queue, Running};
use crate::reserved::Reserved;
use crate::routes::{Known, Route, Routes};
use crate::subscribed::{Subscribed, To};
use crate::tap::Tap;

/// Ends when the bus is closed.
pub(crate) type Closing = Shared<oneshot::Receiver<()>>;

/// Ids name one subscription among all buses of the process: an [`Ancestry`] may lead through several of them.
static LAST_ID: AtomicU64 = AtomicU64::new(0);

/// Who subscribed. Queues and streams refer back to it weakly, so it ends with its bus.
pub(crate) struct Registry<A: Aggregate> {
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) hooks: Hooks<A>,
    pub(crate) activity: Arc<Activity>,
    closing: Closing,
    members: RwLock<Members<A>>,
}

struct Members<A: Aggregate> {
    /// Dropped by `close`, which ends `closing`.
    open: Option<oneshot::Sender<()>>,
    /// In the order of their ids, as are the forget handlers.
    subscriptions: Vec<Arc<Subscribed<A>>>,
    forget_handlers: Vec<Arc<OnForget<A>>>,
    /// Queues that were unsubscribed while a handler of theirs was running: `forget` and `idle` wait for it.
    retiring: Vec<Arc<Queue<A>>>,
    routes: Routes<A>,
}

impl<A: Aggregate> Registry<A> {
    pub(crate) fn new(runtime: Arc<dyn Runtime>, hooks: Hooks<A>) -> Arc<Self> {
        let (open, closing) = oneshot::channel();
        Arc::new(Self {
            runtime,
            hooks,
            activity: Arc::default(),
            closing: closing.shared(),
            members: RwLock::new(Members {
                open: Some(open),
                subscriptions: Vec::new(),
                forget_handlers: Vec::new(),
                retiring: Vec::new(),
                routes: Routes::default(),
            }),
        })
    }

    pub(crate) fn publish(&self, event: Event<A>) -> Result<(), BusError> {
        let (route, event) = self.route_of(event)?;
        for subscribed in route.iter() {
            subscribed.give(self, Event::clone(&event), None);
        }
        Ok(())
    }

    pub(crate) fn publish_tracked(&self, event: Event<A>) -> Result<Delivery, BusError> {
        let (route, event) = self.route_of(event)?;
        let (mut given, mut behind_forget) = (Vec::with_capacity(route.len()), Vec::new());
        for subscribed in route.iter() {
            let (done, ended) = oneshot::channel();
            if subscribed.give(self, Event::clone(&event), Some(done)) == Behind::Hold {
                behind_forget.push(subscribed.id);
            }
            given.push((subscribed.id, ended.map(drop).boxed()));
        }
        Ok(Delivery::new(given).behind_forget(behind_forget))
    }

    pub(crate) fn reserve(self: &Arc<Self>, event: Event<A>) -> Result<Reserved<A>, BusError> {
        let (route, event) = self.route_of(event)?;
        Ok(Reserved::new(Arc::clone(self), route, event))
    }

    pub(crate) fn is_wanted(&self, name: &EventName) -> bool {
        self.route(name).is_ok_and(|route| !route.is_empty())
    }

    fn route_of(&self, event: Event<A>) -> Result<(Route<A>, Caught<Event<A>>), BusError> {
        let event = Caught::new(caused_here(event));
        let route = self.route(&event.event_name)?;
        Ok((route, event))
    }

    fn route(&self, name: &EventName) -> Result<Route<A>, BusError> {
        let members = self.members();
        members.check_open()?;
        let epoch = members.routes.epoch();
        let route = match members.routes.get(name) {
            Known::Young(route) => return Ok(route),
            Known::Old(route) => route,
            Known::No => members.wanting(name),
        };
        drop(members);
        self.members_mut()
            .routes
            .insert(name.clone(), Arc::clone(&route), epoch);
        Ok(route)
    }

    pub(crate) fn subscribe(self: &Arc<Self>, subscription: Subscription<A>) -> Result<SubscriptionId, BusError> {
        let subscription = Caught::new(subscription);
        let mut members = self.members_mut();
        members.check_open()?;
        let Subscription {
            pattern,
            target,
            options,
        } = subscription.into_inner();
        let id = new_id();
        let to = match target {
            Target::Handler(handler) => To::Handler(Queue::new(id, handler, options, self)),
            Target::Stream(feed) => {
                let capacity = options.capacity.map(usize::from);
                let figures = Box::new(HandlerFigures::new(A::CATEGORY, options.name));
                To::Stream(Tap::new(
                    id,
                    feed,
                    self.hooks.clone(),
                    figures,
                    capacity,
                    options.overflow,
                ))
            }
        };
        let subscribed = Arc::new(Subscribed { id, pattern, to });
        members.subscriptions.push(Arc::clone(&subscribed));
        let routes = members.routes.clear();
        drop(members);
        drop(routes);
        if let To::Stream(tap) = &subscribed.to {
            let registry = Arc::downgrade(self);
            tap.on_drop(move || {
                if let Some(registry) = registry.upgrade() {
                    let _ = registry.unsubscribe(id);
                }
            });
        }
        Ok(id)
    }

    pub(crate) fn on_forget(&self, handler: ForgetHandler<A>) -> Result<SubscriptionId, BusError> {
        let handler = Caught::new(handler);
        let mut members = self.members_mut();
        members.check_open()?;
        let id = new_id();
        members.forget_handlers.push(Arc::new(OnForget { id, handler }));
        Ok(id)
    }

    pub(crate) fn unsubscribe(&self, id: SubscriptionId) -> Result<(), BusError> {
        let subscribed = match self.remove(id) {
            Removed::Subscription(subscribed) => subscribed,
            Removed::ForgetHandler => return Ok(()),
            Removed::Nothing => return Err(BusError::UnknownSubscription(id)),
        };
        match &subscribed.to {
            To::Handler(queue) => {
                if queue.end() == Running::No {
                    self.retire(id);
                }
            }
            To::Stream(tap) => tap.end(),
        }
        Ok(())
    }

    /// A stream wants no more. What waits in it remains.
    pub(crate) fn finished(&self, id: SubscriptionId) {
        drop(self.remove(id));
    }

    fn remove(&self, id: SubscriptionId) -> Removed<A> {
        let mut members = self.members_mut();
        if let Ok(at) = members.subscriptions.binary_search_by_key(&id, |one| one.id) {
            let subscribed = members.subscriptions.remove(at);
            if let To::Handler(queue) = &subscribed.to {
                members.retiring.push(Arc::clone(queue));
            }
            let routes = members.routes.clear();
            drop(members);
            drop(routes);
            return Removed::Subscription(subscribed);
        }
        if let Ok(at) = members.forget_handlers.binary_search_by_key(&id, |one| one.id) {
            let handler = members.forget_handlers.remove(at);
            drop(members);
            drop(handler);
            return Removed::ForgetHandler;
        }
        Removed::Nothing
    }

    /// The last handler of a queue that was unsubscribed has ended.
    pub(crate) fn retire(&self, id: SubscriptionId) {
        let mut members = self.members_mut();
        let at = members.retiring.iter().position(|queue| queue.id == id);
        let queue = at.map(|at| members.retiring.swap_remove(at));
        drop(members);
        drop(queue);
    }

    pub(crate) async fn forget(&self, tombstone: Event<A>) -> Result<(), BusError> {
        let tombstone = Caught::new(caused_here(tombstone));
        let here = ancestry_here();
        let mut queues = self.queues()?;
        queues.retain(|queue| !tombstone.ancestry().contains(queue.id) && !here.contains(queue.id));
        // What comes after the tombstone is of a new life: it waits until the forget handlers have cleaned up.
        let mut holds: Vec<_> = queues.iter().map(|queue| queue.hold(&tombstone.aggregate_id)).collect();
        drop(queues);
        future::join_all(holds.iter_mut().map(Hold::passed)).await;
        let handlers = {
            let members = self.members();
            members.check_open()?;
            members.forget_handlers.clone()
        };
        forget::run(&handlers, &tombstone, &self.hooks, &self.closing).await
    }

    pub(crate) async fn idle(&self) {
        let here = ancestry_here();
        let Ok(mut queues) = self.queues() else { return };
        queues.retain(|queue| !here.contains(queue.id));
        let barriers: Vec<_> = queues.iter().flat_map(|queue| queue.barriers()).collect();
        drop(queues);
        future::join_all(barriers).await;
        // A handler's own event may be one that was caused: it cannot wait for those.
        if here.is_empty() {
            let quiet = std::pin::pin!(self.activity.quiet());
            future::select(quiet, self.closing.clone()).await;
        }
    }

    fn queues(&self) -> Result<Vec<Arc<Queue<A>>>, BusError> {
        let members = self.members();
        members.check_open()?;
        let queues = members.subscriptions.iter().filter_map(|one| match &one.to {
            To::Handler(queue) => Some(queue),
            To::Stream(_) => None,
        });
        Ok(queues.chain(&members.retiring).cloned().collect())
    }

    pub(crate) fn close(&self) {
        let mut members = self.members_mut();
        let open = members.open.take();
        let subscriptions = std::mem::take(&mut members.subscriptions);
        let retiring = std::mem::take(&mut members.retiring);
        let handlers = std::mem::take(&mut members.forget_handlers);
        let routes = members.routes.clear();
        drop(members);
        drop(open);
        drop(handlers);
        drop(routes);
        for subscribed in &subscriptions {
            match &subscribed.to {
                To::Handler(queue) => queue.close(),
                To::Stream(tap) => tap.close(),
            }
        }
        retiring.iter().for_each(|queue| queue.close());
    }

    fn members(&self) -> RwLockReadGuard<'_, Members<A>> {
        self.members.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn members_mut(&self) -> RwLockWriteGuard<'_, Members<A>> {
        self.members.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<A: Aggregate> Members<A> {
    const fn check_open(&self) -> Result<(), BusError> {
        if self.open.is_some() {
            Ok(())
        } else {
            Err(BusError::Closed)
        }
    }

    fn wanting(&self, name: &EventName) -> Route<A> {
        let wanting = self.subscriptions.iter().filter(|one| one.pattern.matches(name));
        wanting.cloned().collect()
    }
}

/// What had an id.
enum Removed<A: Aggregate> {
    Subscription(Arc<Subscribed<A>>),
    ForgetHandler,
    Nothing,
}

fn new_id() -> SubscriptionId {
    SubscriptionId::new(LAST_ID.fetch_add(1, Ordering::Relaxed) + 1)
}

/// The handlers that wait for what is called here.
fn ancestry_here() -> Ancestry {
    Context::current()
        .map(|context| context.ancestry().clone())
        .unwrap_or_default()
}

/// An event that a handler publishes by itself, rather than by a command, descends from that handler's all the same.
fn caused_here<A>(event: Event<A>) -> Event<A> {
    if !event.ancestry().is_empty() {
        return event;
    }
    match Context::current() {
        Some(context) => event.with_ancestry(context.ancestry().clone()),
        None => event,
    }
}
