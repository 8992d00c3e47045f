//! Servers of a test's own, processes on them, and what their handlers are given.
#![allow(dead_code, reason = "each test program uses a part")]

pub(crate) mod proxy;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use asynx_bus_jetstream::{JetStreamBus, JetStreamBusOptions};
use asynx_core::bus::{Handler, Hooks, Pattern, Subscription, SubscriptionId, SubscriptionOptions, Target, handler};
use asynx_core::{
    Aggregate, AggregateId, Bus as _, Event, EventId, EventName, Metadata, Record, SchemaVersion, Timestamp, Version,
};
use asynx_nats_testing::Servers;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) lines: u64,
}

impl Aggregate for Order {
    const CATEGORY: &'static str = "order";
}

/// What a test waits for at most.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Short times, so that tests need not wait.
pub(crate) fn options() -> JetStreamBusOptions {
    JetStreamBusOptions::new()
        .with_request_timeout(Duration::from_secs(1))
        .with_ack_wait(Duration::from_secs(3))
        .with_backoff(Duration::from_millis(100), Duration::from_millis(400))
}

/// A process, as far as the bus can tell.
pub(crate) async fn process(servers: &Servers, options: JetStreamBusOptions) -> JetStreamBus<Order> {
    process_with(servers, Hooks::default(), options).await
}

pub(crate) async fn process_with(
    servers: &Servers,
    hooks: Hooks<Order>,
    options: JetStreamBusOptions,
) -> JetStreamBus<Order> {
    process_at(&servers.url(), hooks, options).await
}

pub(crate) async fn process_at(urls: &str, hooks: Hooks<Order>, options: JetStreamBusOptions) -> JetStreamBus<Order> {
    let mut tries = 0;
    loop {
        match JetStreamBus::connect_with(urls, hooks.clone(), options.clone()).await {
            Ok(bus) => return bus,
            Err(error) if tries == 100 => panic!("the bus does not open: {error}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
        tries += 1;
    }
}

/// Version 3 of the order `a` is `("a", 3)`.
pub(crate) fn made(id: &str, version: u64) -> Event<Order> {
    named("Made", id, version)
}

pub(crate) fn tombstone(id: &str, version: u64) -> Event<Order> {
    event(EventName::tombstone(), id, version)
}

pub(crate) fn named(name: &str, id: &str, version: u64) -> Event<Order> {
    event(EventName::parse(name).unwrap(), id, version)
}

fn event(name: EventName, id: &str, version: u64) -> Event<Order> {
    let record = Record::new(
        EventId::generate(&asynx_testkit::ThreadRuntime),
        name,
        Version::new(version).unwrap(),
        SchemaVersion::FIRST,
        Timestamp::UNIX_EPOCH,
        Arc::new(Metadata::default()),
        Bytes::from_static(br#"[{"op":"add","path":"","value":{"lines":1}}]"#),
    );
    let state = |lines| Arc::new(Order { lines });
    let previous = (version > 1).then(|| state(version - 1));
    Event::new(AggregateId::parse(id).unwrap(), record, None, previous, state(version))
}

pub(crate) fn label(event: &Event<Order>) -> String {
    format!("{}{}", event.aggregate_id, event.version)
}

/// What handlers were given, in the order of their calls.
#[derive(Debug, Clone, Default)]
pub(crate) struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    pub(crate) fn note(&self, text: impl Into<String>) {
        self.0.lock().unwrap().push(text.into());
    }

    pub(crate) fn all(&self) -> Vec<String> {
        self.0.lock().unwrap().clone()
    }

    /// Those of one aggregate.
    pub(crate) fn of(&self, id: &str) -> Vec<String> {
        self.all().into_iter().filter(|label| label.starts_with(id)).collect()
    }

    /// Those of one aggregate, each as it came first.
    pub(crate) fn first_of(&self, id: &str) -> Vec<String> {
        let mut first = Vec::new();
        for label in self.of(id) {
            if !first.contains(&label) {
                first.push(label);
            }
        }
        first
    }

    /// A handler that notes and succeeds.
    pub(crate) fn handler(&self) -> Handler<Order> {
        let notes = self.clone();
        handler(move |event: Event<Order>| {
            notes.note(label(&event));
            std::future::ready(())
        })
    }

    /// Waits until so many are there.
    pub(crate) async fn count(&self, count: usize) {
        self.until(|notes| notes.len() >= count).await;
    }

    pub(crate) async fn until(&self, there: impl Fn(&[String]) -> bool) {
        let waiting = async {
            while !there(&self.all()) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        let waited = tokio::time::timeout(PATIENCE, waiting).await;
        assert!(waited.is_ok(), "in time there was only {:?}", self.all());
    }
}

pub(crate) fn subscribe(bus: &JetStreamBus<Order>, pattern: &str, handler: Handler<Order>) -> SubscriptionId {
    let subscription = Subscription {
        pattern: Pattern::parse(pattern).unwrap(),
        target: Target::Handler(handler),
        options: SubscriptionOptions::default(),
    };
    bus.subscribe(subscription).unwrap()
}

pub(crate) fn subscribe_as(
    bus: &JetStreamBus<Order>,
    name: &str,
    pattern: &str,
    handler: Handler<Order>,
) -> SubscriptionId {
    subscribe_with(bus, name, SubscriptionOptions::default(), pattern, handler)
}

pub(crate) fn subscribe_with(
    bus: &JetStreamBus<Order>,
    name: &str,
    options: SubscriptionOptions<Order>,
    pattern: &str,
    handler: Handler<Order>,
) -> SubscriptionId {
    let pattern = Pattern::parse(pattern).unwrap();
    bus.subscribe_durable(name, pattern, handler, options).unwrap()
}

pub(crate) fn labels(id: &str, versions: std::ops::RangeInclusive<u64>) -> Vec<String> {
    versions.map(|version| format!("{id}{version}")).collect()
}
