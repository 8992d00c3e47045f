use std::num::NonZeroUsize;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use asynx_bus::InProcessBus;
use asynx_core::Bus;
use asynx_core::bus::{Hooks, Listener, SubscriptionId, SubscriptionOptions, SubscriptionOverflow};
use futures::{FutureExt, StreamExt};

use crate::stage::{Stage, Thing, event, is_pending, label, named, on_every_runtime, stream, tombstone};

on_every_runtime!(
    gives_events_as_they_are_published,
    ends_after_its_count,
    ends_when_it_is_dropped,
    ends_when_it_is_unsubscribed,
    has_room_for_so_many,
    keeps_its_room_among_many_publishers,
    is_never_waited_for,
);

fn start(stage: &Stage, pattern: &str, count: Option<usize>) -> (SubscriptionId, Listener<Thing>) {
    let (subscription, listener) = stream(pattern, count, SubscriptionOptions::default());
    (stage.bus.subscribe(subscription).unwrap(), listener)
}

/// What can be taken at once.
fn taken(listener: &mut Listener<Thing>) -> Vec<String> {
    std::iter::from_fn(|| listener.next().now_or_never().flatten().map(|event| label(&event))).collect()
}

async fn gives_events_as_they_are_published(stage: Stage) {
    let (_, mut listener) = start(&stage, "Order.*", None);
    let mut next = listener.next();
    assert!(is_pending(&mut next));
    stage.bus.publish(named("OrderMade", "a1")).unwrap();
    assert_eq!(next.await.map(|event| label(&event)).as_deref(), Some("a1"));
    for (name, label) in [
        ("OrderMade", "b1"),
        ("PreOrderMade", "b2"),
        ("OrderPaid", "a2"),
        ("OrderMade", "b3"),
    ] {
        stage.bus.publish(named(name, label)).unwrap();
    }
    // `publish` itself fed it.
    assert_eq!(taken(&mut listener), ["b1", "a2", "b3"]);
}

async fn ends_after_its_count(stage: Stage) {
    let (id, listener) = start(&stage, "Made", Some(2));
    ["a1", "a2", "a3"].iter().for_each(|label| stage.publish(label));
    assert!(stage.bus.unsubscribe(id).is_err(), "the subscription has ended");
    let events: Vec<_> = listener.map(|event| label(&event)).collect().await;
    assert_eq!(events, ["a1", "a2"]);
}

async fn ends_when_it_is_dropped(stage: Stage) {
    let (id, listener) = start(&stage, "Made", None);
    stage.publish("a1");
    drop(listener);
    assert!(stage.bus.unsubscribe(id).is_err(), "the subscription has ended");
    assert!(stage.publish_tracked("a2").is_empty());
}

async fn ends_when_it_is_unsubscribed(stage: Stage) {
    let (id, mut listener) = start(&stage, "Made", None);
    ["a1", "a2"].iter().for_each(|label| stage.publish(label));
    assert_eq!(listener.next().await.map(|event| label(&event)).as_deref(), Some("a1"));
    stage.bus.unsubscribe(id).unwrap();
    stage.publish("a3");
    assert!(listener.next().await.is_none(), "what waited in it is dropped");
}

async fn has_room_for_so_many(mut stage: Stage) {
    for (overflow, kept, dropped) in [
        (SubscriptionOverflow::DropNewest, ["a1", "a2"], ["b1", "a3"]),
        (SubscriptionOverflow::DropOldest, ["b1", "a3"], ["a1", "a2"]),
    ] {
        let options = SubscriptionOptions {
            capacity: NonZeroUsize::new(2),
            overflow,
            ..SubscriptionOptions::default()
        };
        let (subscription, mut listener) = stream("Made", Some(4), options);
        let id = stage.bus.subscribe(subscription).unwrap();
        ["a1", "a2", "b1", "a3"].iter().for_each(|label| stage.publish(label));
        for label in dropped {
            let why = "the queue of 2 events was full, the event was dropped";
            assert_eq!(stage.told().await, (label.to_owned(), id, why.to_owned()));
        }
        assert_eq!(taken(&mut listener), kept);
        // The dropped ones do not count.
        ["a4", "a5", "a6"].iter().for_each(|label| stage.publish(label));
        assert_eq!(taken(&mut listener), ["a4", "a5"]);
        assert!(listener.next().await.is_none());
        stage.nothing_told();
    }
}

async fn keeps_its_room_among_many_publishers(stage: Stage) {
    const EACH: usize = 30_000;
    for overflow in [SubscriptionOverflow::DropNewest, SubscriptionOverflow::DropOldest] {
        let told = Arc::new(AtomicUsize::new(0));
        let tell = Arc::clone(&told);
        let hooks = Hooks::default().on_handler_failure(move |_, _, _| {
            tell.fetch_add(1, Ordering::SeqCst);
        });
        let bus = InProcessBus::new(Arc::clone(&stage.runtime), hooks);
        let options = SubscriptionOptions {
            capacity: NonZeroUsize::new(1),
            overflow,
            ..SubscriptionOptions::default()
        };
        let (subscription, mut listener) = stream("Made", None, options);
        bus.subscribe(subscription).unwrap();
        let event = event("a1");
        let start = Barrier::new(4);
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    start.wait();
                    (0..EACH).for_each(|_| bus.publish(event.clone()).unwrap());
                });
            }
        });
        assert_eq!(taken(&mut listener).len(), 1);
        assert_eq!(told.load(Ordering::SeqCst), 4 * EACH - 1, "each is kept or told");
    }
}

async fn is_never_waited_for(stage: Stage) {
    let (_, mut listener) = start(&stage, "Made", None);
    stage.publish("a1");
    stage.bus.idle().now_or_never().unwrap();
    stage.bus.forget(tombstone("a2")).now_or_never().unwrap().unwrap();
    assert_eq!(taken(&mut listener), ["a1"]);
}
