//! What the in-process bus takes for an event.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use asynx::bus::{InProcessBus, Pattern, Subscription, SubscriptionOptions, Target, handler};
use asynx::runtime::TokioRuntime;
use asynx::store::MemoryStore;
use asynx::{Bus as _, Event};
use bench_workload::{Arguments, Report, median};

use crate::orders::{Act, Purchase, open};

/// Events of one round, published one after the other and then waited for.
const ROUND: u64 = 2_000;

/// To `subscriptions`, of which `matching` (by default all) get each event.
pub(crate) async fn publish(arguments: &Arguments, report: &mut Report) {
    let subscriptions = arguments.get("subscriptions", 1);
    let matching = arguments.get("matching", subscriptions);
    let orders = open(MemoryStore::new()).await;
    let id = "ORD-1".to_owned();
    let action = bench_workload::Action::Place;
    let event: Event<Purchase> = orders.send(Act { id, action }).await.unwrap();

    let runtime = Arc::new(TokioRuntime::current().unwrap());
    let bus = InProcessBus::<Purchase>::new(runtime, asynx::bus::Hooks::default());
    let handled = Arc::new(AtomicU64::new(0));
    for number in 0..subscriptions {
        let pattern = if number < matching {
            "Order.*".to_owned()
        } else {
            format!("Other{number}.*")
        };
        let handled = handled.clone();
        let count = handler(move |_: Event<Purchase>| {
            handled.fetch_add(1, Ordering::Relaxed);
            async {}
        });
        let subscription = Subscription {
            pattern: Pattern::parse(&pattern).unwrap(),
            target: Target::Handler(count),
            options: SubscriptionOptions::default(),
        };
        bus.subscribe(subscription).unwrap();
    }
    let (mut publishes, mut deliveries) = (Vec::new(), Vec::new());
    let begun = Instant::now();
    while begun.elapsed() < arguments.seconds() || publishes.len() < 4 {
        let before = handled.load(Ordering::Relaxed);
        let begun = Instant::now();
        for _ in 0..ROUND {
            bus.publish(event.clone()).unwrap();
        }
        publishes.push(begun.elapsed().as_nanos() as f64 / ROUND as f64);
        bus.idle().await;
        deliveries.push(begun.elapsed().as_nanos() as f64 / ROUND as f64);
        assert_eq!(
            handled.load(Ordering::Relaxed) - before,
            ROUND * matching as u64,
            "each handler sees each event"
        );
    }
    report.figure("publish_ns", median(&mut publishes[1..]));
    report.figure("publish_and_handle_ns", median(&mut deliveries[1..]));
}
