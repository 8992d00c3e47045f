//! A small domain, a bus that records, and a processor around them.
#![allow(dead_code, reason = "each test file uses its part")]

use std::borrow::Cow;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use asynx_core::bus::{BusError, Delivery, ForgetHandler, Hooks, Subscription, SubscriptionId};
use asynx_core::{Aggregate, Bus, Command, Error, Event, NoUpcast, Runtime, SendError, Store};
use asynx_processor::{Options, Parts, Processor};
use asynx_runtime::TokioRuntime;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) id: String,
    pub(crate) status: String,
    pub(crate) lines: Vec<String>,
    pub(crate) total: i64,
}

impl Aggregate for Order {
    const CATEGORY: &'static str = "order";
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("the order exists already")]
    Exists,
    #[error("there is no such order")]
    Missing,
    #[error("the order is {0}")]
    Is(String),
}

type Validate = dyn Fn(Option<&Order>) -> Result<(), Refused> + Send;
type Emit = dyn Fn(Option<&Order>) -> Order + Send;

/// A command made of closures.
pub(crate) struct Do {
    pub(crate) id: String,
    pub(crate) name: &'static str,
    pub(crate) validate: Box<Validate>,
    pub(crate) emit: Box<Emit>,
    pub(crate) snapshot: bool,
}

impl Command<Order> for Do {
    type Rejection = Refused;

    fn aggregate_id(&self) -> Cow<'_, str> {
        (&self.id).into()
    }

    fn event_name(&self) -> Cow<'_, str> {
        self.name.into()
    }

    fn validate(&self, current: Option<&Order>) -> Result<(), Refused> {
        (self.validate)(current)
    }

    fn emit(&self, current: Option<&Order>) -> Order {
        (self.emit)(current)
    }

    fn should_snapshot(&self) -> bool {
        self.snapshot
    }
}

pub(crate) fn create(id: &str) -> Do {
    let new = Order {
        id: id.to_owned(),
        status: "pending".to_owned(),
        lines: vec!["tea".to_owned()],
        total: 10,
    };
    Do {
        id: id.to_owned(),
        name: "OrderCreated",
        validate: Box::new(|current| current.map_or(Ok(()), |_| Err(Refused::Exists))),
        emit: Box::new(move |_| new.clone()),
        snapshot: false,
    }
}

/// Adds to the total of an existing order.
pub(crate) fn add(id: &str, amount: i64) -> Do {
    Do {
        id: id.to_owned(),
        name: "OrderGrown",
        validate: Box::new(|current| current.map_or(Err(Refused::Missing), |_| Ok(()))),
        emit: Box::new(move |current| {
            let mut order = current.expect("validated").clone();
            order.total += amount;
            order
        }),
        snapshot: false,
    }
}

/// Cancels an order, once.
pub(crate) fn cancel(id: &str) -> Do {
    Do {
        id: id.to_owned(),
        name: "OrderCancelled",
        validate: Box::new(|current| match current {
            None => Err(Refused::Missing),
            Some(order) if order.status == "cancelled" => Err(Refused::Is(order.status.clone())),
            Some(_) => Ok(()),
        }),
        emit: Box::new(|current| {
            let mut order = current.expect("validated").clone();
            order.status = "cancelled".to_owned();
            order
        }),
        snapshot: false,
    }
}

/// A bus that keeps what it is given.
pub(crate) struct Recorder<A = Order> {
    pub(crate) events: Mutex<Vec<Event<A>>>,
    pub(crate) forgotten: Mutex<Vec<Event<A>>>,
    pub(crate) fail_forget: Mutex<bool>,
}

impl<A> Default for Recorder<A> {
    fn default() -> Self {
        Self {
            events: Mutex::default(),
            forgotten: Mutex::default(),
            fail_forget: Mutex::default(),
        }
    }
}

impl Recorder {
    pub(crate) fn names(&self) -> Vec<(String, u64)> {
        let events = self.events.lock().unwrap();
        let name = |event: &Event<Order>| (event.event_name.to_string(), event.version.get());
        events.iter().map(name).collect()
    }
}

#[async_trait]
impl<A: Aggregate> Bus<A> for Recorder<A> {
    fn publish(&self, event: Event<A>) -> Result<(), BusError> {
        self.events.lock().unwrap().push(event);
        Ok(())
    }

    fn publish_tracked(&self, event: Event<A>) -> Result<Delivery, BusError> {
        self.publish(event).map(|()| Delivery::default())
    }

    async fn forget(&self, tombstone: Event<A>) -> Result<(), BusError> {
        self.forgotten.lock().unwrap().push(tombstone);
        match *self.fail_forget.lock().unwrap() {
            true => Err(BusError::Closed),
            false => Ok(()),
        }
    }

    fn subscribe(&self, _: Subscription<A>) -> Result<SubscriptionId, BusError> {
        Err(BusError::Closed)
    }

    fn on_forget(&self, _: ForgetHandler<A>) -> Result<SubscriptionId, BusError> {
        Err(BusError::Closed)
    }

    fn unsubscribe(&self, id: SubscriptionId) -> Result<(), BusError> {
        Err(BusError::UnknownSubscription(id))
    }

    async fn idle(&self) {}

    fn close(&self) {}
}

pub(crate) fn parts(store: impl Store, bus: Arc<Recorder>, options: Options) -> Parts<Order> {
    parts_on(Arc::new(TokioRuntime::current().unwrap()), store, bus, options)
}

pub(crate) fn parts_on(
    runtime: Arc<dyn Runtime>,
    store: impl Store,
    bus: Arc<Recorder>,
    options: Options,
) -> Parts<Order> {
    Parts {
        store: Arc::new(store),
        snapshots: None,
        bus,
        runtime,
        upcast: Arc::new(NoUpcast),
        hooks: Hooks::default(),
        options,
        resume_forgets: true,
    }
}

pub(crate) async fn start(store: impl Store) -> Processor<Order> {
    start_with(store, Options::default()).await.0
}

pub(crate) async fn start_with(store: impl Store, options: Options) -> (Processor<Order>, Arc<Recorder>) {
    let bus = Arc::new(Recorder::default());
    let processor = Processor::start(parts(store, Arc::clone(&bus), options)).await.unwrap();
    (processor, bus)
}

/// Fails a test that hangs instead of letting it hang.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future)
        .await
        .expect("no answer within 20 s")
}

pub(crate) fn failure(error: SendError<Refused>) -> Error {
    match error {
        SendError::Failed(error) => error,
        SendError::Rejected(rejection) => panic!("rejected: {rejection}"),
    }
}

/// On the one thread of a test, tasks that were spawned have had their turn after this.
pub(crate) async fn everyone_was_polled() {
    for _ in 0..5 {
        tokio::task::yield_now().await;
    }
}

/// All aggregates in one shard.
pub(crate) fn one_shard() -> Options {
    let mut options = Options::default();
    options.shards = NonZeroUsize::MIN;
    options
}

/// The domain's own refusal, if it was one.
pub(crate) fn rejection<T>(result: Result<T, SendError<Refused>>) -> Option<Refused> {
    result.err().and_then(|error| error.rejection().cloned())
}
