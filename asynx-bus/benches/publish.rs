//! `cargo bench -p asynx-bus`: from a call of `publish` to the end of the last handler.
#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::sync::Arc;

use asynx_bus::InProcessBus;
use asynx_core::bus::{Hooks, Pattern, Subscription, SubscriptionOptions, Target, handler};
use asynx_core::{
    Aggregate, AggregateId, Bus, Event, EventId, EventName, Metadata, Record, SchemaVersion, Timestamp, Version,
};
use asynx_runtime::TokioRuntime;
use bytes::Bytes;
use criterion::{Criterion, Throughput};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Clone, Serialize, Deserialize)]
struct Order {
    total: u64,
}

impl Aggregate for Order {
    const CATEGORY: &'static str = "order";
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    publish(&mut criterion);
    criterion.final_summary();
}

fn event() -> Event<Order> {
    let record = Record::new(
        EventId::from_uuid(Uuid::from_u128(1)),
        EventName::parse("OrderPlaced").unwrap(),
        Version::FIRST,
        SchemaVersion::FIRST,
        Timestamp::from_micros(1_700_000_000_000_000),
        Arc::new(Metadata::default()),
        Bytes::from_static(b"[]"),
    );
    let id = AggregateId::parse("ORD-1").unwrap();
    Event::new(id, record, None, None, Arc::new(Order { total: 3 }))
}

/// Of so many subscriptions, so many get the event.
fn publish(criterion: &mut Criterion) {
    const EVENTS: u64 = 100;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let event = event();
    let mut group = criterion.benchmark_group("publish and handle");
    group.throughput(Throughput::Elements(EVENTS));
    for (name, subscriptions, matching) in [
        ("1 subscription", 1, 1),
        ("1 of 100 subscriptions", 100, 1),
        ("100 subscriptions", 100, 100),
    ] {
        let _entered = runtime.enter();
        let bus = InProcessBus::<Order>::new(Arc::new(TokioRuntime::current().unwrap()), Hooks::default());
        for number in 0..subscriptions {
            let pattern = if number < matching {
                "Order.*".to_owned()
            } else {
                format!("Other{number}.*")
            };
            let subscription = Subscription {
                pattern: Pattern::parse(&pattern).unwrap(),
                target: Target::Handler(handler(|_: Event<Order>| async {})),
                options: SubscriptionOptions::default(),
            };
            bus.subscribe(subscription).unwrap();
        }
        group.bench_function(name, |b| {
            b.iter(|| {
                for _ in 0..EVENTS {
                    bus.publish(event.clone()).unwrap();
                }
                runtime.block_on(bus.idle());
            });
        });
    }
    group.finish();
}
