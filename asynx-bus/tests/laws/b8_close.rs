use std::sync::Arc;

use asynx_core::bus::{HandlerFailure, SubscriptionId, SubscriptionOptions, Target, handler};
use asynx_core::{Ancestry, Bus, BusError, Event};
use futures::{FutureExt, StreamExt};

use crate::stage::{
    Stage, Thing, blocking, ended, event, is_pending, label, on_every_runtime, staged, stream, to, tombstone,
};

on_every_runtime!(
    afterwards_everything_answers_closed,
    what_waits_is_told_and_what_runs_is_dropped,
    who_waits_is_answered,
    who_waits_is_answered_while_a_handler_blocks_its_thread,
    forget_handlers_are_dropped,
    streams_end_after_what_waits_in_them,
    a_handler_closes_the_bus,
    an_unsubscribed_handler_that_still_runs_is_dropped,
    dropping_the_bus_closes_it,
    no_fallback_begins_after_it,
    nothing_is_left_behind,
);

const CLOSED: &str = "the bus was closed before the event was handled";

async fn afterwards_everything_answers_closed(stage: Stage) {
    let (handler, mut calls) = staged();
    let id = stage.subscribe("Made", Arc::clone(&handler));
    stage.bus.close();
    stage.bus.close();
    let closed = |result: Result<(), BusError>| assert!(matches!(result, Err(BusError::Closed)));
    closed(stage.bus.publish(event("a1")));
    closed(stage.bus.publish_tracked(event("a1")).map(drop));
    closed(stage.bus.forget(tombstone("a1")).await);
    closed(stage.bus.on_forget(Arc::clone(&handler)).map(drop));
    let late = to("Made", Target::Handler(handler), SubscriptionOptions::default());
    closed(stage.bus.subscribe(late).map(drop));
    assert!(stage.bus.unsubscribe(id).is_err());
    stage.bus.idle().await;
    calls.gone().await;
}

async fn what_waits_is_told_and_what_runs_is_dropped(mut stage: Stage) {
    let (handler, mut calls) = staged();
    let id = stage.subscribe("Made", handler);
    ["a1", "b1"].iter().for_each(|label| stage.publish(label));
    let running = calls.take(2).await;
    ["a2", "b2", "a3"].iter().for_each(|label| stage.publish(label));
    stage.bus.close();
    let mut told = Vec::new();
    for _ in 0..5 {
        let (label, of, why) = stage.told().await;
        assert_eq!((of, why.as_str()), (id, CLOSED));
        told.push(label);
    }
    // Those that waited, in the order of their publishing.
    assert_eq!(
        told.iter().filter(|label| !label.ends_with('1')).collect::<Vec<_>>(),
        ["a2", "b2", "a3"]
    );
    told.sort();
    assert_eq!(told, ["a1", "a2", "a3", "b1", "b2"]);
    for call in running {
        call.dropped().await;
    }
    calls.gone().await;
    stage.nothing_told();
}

async fn who_waits_is_answered(stage: Stage) {
    let (handler, mut calls) = staged();
    stage.subscribe("Made", handler);
    let mut running = ended(stage.publish_tracked("a1")).boxed();
    let mut waiting = ended(stage.publish_tracked("a2")).boxed();
    let first = calls.next().await;
    let caused = event("b1").with_ancestry(first.event.ancestry().clone());
    stage.bus.publish(caused).unwrap();
    let _second = calls.next().await;
    let mut idle = stage.bus.idle();
    let mut forget = stage.bus.forget(tombstone("a3"));
    assert!(is_pending(&mut running) && is_pending(&mut waiting));
    assert!(is_pending(&mut idle) && is_pending(&mut forget));
    stage.bus.close();
    running.await;
    waiting.await;
    idle.await;
    assert!(matches!(forget.await, Err(BusError::Closed)));
}

async fn who_waits_is_answered_while_a_handler_blocks_its_thread(stage: Stage) {
    let (blocks, mut begun, release) = blocking();
    stage.subscribe("Made", blocks);
    let caused = event("a1").with_ancestry(Ancestry::default().child(SubscriptionId::new(u64::MAX)));
    let mut delivered = ended(stage.bus.publish_tracked(caused).unwrap()).boxed();
    begun.next().await.unwrap();
    let mut idle = stage.bus.idle();
    let mut forget = stage.bus.forget(tombstone("a3"));
    assert!(is_pending(&mut delivered) && is_pending(&mut idle) && is_pending(&mut forget));
    stage.bus.close();
    delivered.await;
    idle.await;
    assert!(matches!(forget.await, Err(BusError::Closed)));
    drop(release);
}

async fn forget_handlers_are_dropped(mut stage: Stage) {
    let bus = Arc::clone(&stage.bus);
    let (forgets, mut calls) = staged();
    let id = stage.bus.on_forget(forgets).unwrap();
    let mut forget = bus.forget(tombstone("a1"));
    assert!(is_pending(&mut forget));
    let call = calls.next().await;
    stage.bus.close();
    assert!(matches!(forget.await, Err(BusError::Closed)));
    call.dropped().await;
    assert_eq!(stage.told().await, ("a1".to_owned(), id, CLOSED.to_owned()));
    calls.gone().await;
}

async fn streams_end_after_what_waits_in_them(mut stage: Stage) {
    let (subscription, listener) = stream("Made", None, SubscriptionOptions::default());
    stage.bus.subscribe(subscription).unwrap();
    stage.publish("a1");
    stage.bus.close();
    let events: Vec<_> = listener.map(|event| label(&event)).collect().await;
    assert_eq!(events, ["a1"]);
    stage.nothing_told();
}

async fn a_handler_closes_the_bus(mut stage: Stage) {
    let bus = Arc::downgrade(&stage.bus);
    let id = stage.subscribe(
        "Made",
        handler(move |_: Event<Thing>| {
            let bus = bus.upgrade().unwrap();
            async move {
                bus.close();
                futures::future::pending::<()>().await;
            }
        }),
    );
    stage.publish("a1");
    assert_eq!(stage.told().await, ("a1".to_owned(), id, CLOSED.to_owned()));
}

async fn an_unsubscribed_handler_that_still_runs_is_dropped(stage: Stage) {
    let (handler, mut calls) = staged();
    let id = stage.subscribe("Made", handler);
    stage.publish("a1");
    let running = calls.next().await;
    stage.bus.unsubscribe(id).unwrap();
    stage.bus.close();
    running.dropped().await;
    calls.gone().await;
}

async fn dropping_the_bus_closes_it(mut stage: Stage) {
    let (handler, mut calls) = staged();
    let id = stage.subscribe("Made", handler);
    let (subscription, mut listener) = stream("Made", None, SubscriptionOptions::default());
    stage.bus.subscribe(subscription).unwrap();
    stage.publish("a1");
    let running = calls.next().await;
    assert_eq!(listener.next().await.map(|event| label(&event)).as_deref(), Some("a1"));
    let bus = stage.bus;
    // Streams and workers do not keep it alive.
    drop(Arc::into_inner(bus).unwrap());
    running.dropped().await;
    assert!(listener.next().await.is_none());
    calls.gone().await;
    assert_eq!(
        futures::StreamExt::next(&mut stage.told).await.unwrap(),
        ("a1".to_owned(), id, CLOSED.to_owned())
    );
    // Its end of the subscription finds no bus.
    drop(listener);
}

async fn no_fallback_begins_after_it(mut stage: Stage) {
    let bus = Arc::downgrade(&stage.bus);
    let closes = handler(move |_: Event<Thing>| {
        bus.upgrade().unwrap().close();
        futures::future::ready(Err::<(), _>("as the test wants"))
    });
    let (fallback, mut fallbacks) = staged();
    stage.subscribe_with("Made", closes, |options| options.fallback = Some(fallback));
    stage.publish("a1");
    assert_eq!(stage.told().await.2, "as the test wants");
    assert_eq!(stage.told().await.2, HandlerFailure::Closed.to_string());
    fallbacks.gone().await;
    stage.nothing_told();
}

async fn nothing_is_left_behind(stage: Stage) {
    // The handlers hold senders: their receivers end when the last of bus, queues, workers and routes is gone.
    let mut all = Vec::new();
    for pattern in ["Made", "M.*", "Other"] {
        let (handler, calls) = staged();
        stage.subscribe(pattern, handler);
        all.push(calls);
    }
    stage.publish("a1");
    stage.publish("a2");
    let _running = all[0].next().await;
    let _running = all[1].next().await;
    stage.bus.close();
    for mut calls in all {
        calls.gone().await;
    }
}

#[test]
fn when_the_runtime_ends_nobody_is_left_waiting() {
    let Stage {
        runtime,
        bus,
        mut told,
        stop,
    } = Stage::tokio();
    let (handler, mut calls) = staged();
    let id = bus
        .subscribe(to("Made", Target::Handler(handler), SubscriptionOptions::default()))
        .unwrap();
    let outer = Stage::tokio();
    outer.run(async |_| {
        let deliveries = ["a1", "a2"].map(|label| ended(bus.publish_tracked(event(label)).unwrap()));
        let idle = bus.idle();
        let forget = bus.forget(tombstone("a3"));
        let waiting = futures::future::join3(futures::future::join_all(deliveries), idle, forget);
        let mut waiting = std::pin::pin!(waiting);
        assert!(is_pending(&mut waiting));
        let running = calls.next().await;
        drop(stop);
        waiting.await.2.unwrap();
        running.dropped().await;
        for label in ["a1", "a2"] {
            assert_eq!(told.next().await.unwrap(), (label.to_owned(), id, CLOSED.to_owned()));
        }
        // What comes now is told as well, and nobody waits for it.
        ended(bus.publish_tracked(event("a4")).unwrap()).await;
        assert_eq!(told.next().await.unwrap().0, "a4");
        drop(runtime);
    });
}
