use std::sync::{Arc, OnceLock};

use asynx_core::bus::{SubscriptionId, handler};
use asynx_core::{Bus, BusError, Event};
use futures::StreamExt;
use futures::channel::mpsc;

use crate::stage::{Stage, Thing, event, named, noted, noting, on_every_runtime, staged};

on_every_runtime!(
    whole_names_decide,
    events_published_before_are_not_given,
    a_subscription_that_comes_late_is_given_names_seen_before,
    each_event_is_given_once_to_each,
    unsubscribe_drops_what_waits_and_finishes_what_runs,
    a_handler_unsubscribes_itself,
    handlers_publish_and_subscribe,
    more_names_than_are_remembered,
);

async fn whole_names_decide(stage: Stage) {
    let (handler, mut notes) = noting();
    stage.subscribe("Order.*", handler);
    stage.bus.publish(named("PreOrderMade", "a1")).unwrap();
    stage.bus.publish(named("OrderMade", "a2")).unwrap();
    stage.bus.publish(named("orderMade", "a3")).unwrap();
    stage.bus.publish(named("Order", "a4")).unwrap();
    stage.bus.idle().await;
    assert_eq!(noted(&mut notes), ["a2", "a4"]);
}

async fn events_published_before_are_not_given(stage: Stage) {
    stage.publish("a1");
    let (handler, mut notes) = noting();
    stage.subscribe("Made", handler);
    stage.publish("a2");
    stage.bus.idle().await;
    assert_eq!(noted(&mut notes), ["a2"]);
}

async fn a_subscription_that_comes_late_is_given_names_seen_before(stage: Stage) {
    let (first, mut to_first) = noting();
    let first = stage.subscribe("Made", first);
    stage.publish("a1");
    stage.publish("a2");
    let (second, mut to_second) = noting();
    stage.subscribe("Ma.*", second);
    stage.publish("a3");
    stage.bus.idle().await;
    stage.bus.unsubscribe(first).unwrap();
    stage.publish("a4");
    stage.bus.idle().await;
    assert_eq!(noted(&mut to_first), ["a1", "a2", "a3"]);
    assert_eq!(noted(&mut to_second), ["a3", "a4"]);
}

async fn each_event_is_given_once_to_each(stage: Stage) {
    let mut all = Vec::new();
    for _ in 0..3 {
        let (handler, notes) = noting();
        stage.subscribe("Made", handler);
        all.push(notes);
    }
    let labels: Vec<String> = (1..=100).map(|version| format!("a{version}")).collect();
    labels.iter().for_each(|label| stage.publish(label));
    stage.bus.idle().await;
    for notes in &mut all {
        assert_eq!(noted(notes), labels);
    }
}

async fn unsubscribe_drops_what_waits_and_finishes_what_runs(mut stage: Stage) {
    let (handler, mut calls) = staged();
    let id = stage.subscribe("Made", handler);
    stage.publish("a1");
    stage.publish("a2");
    let running = calls.next().await;
    stage.bus.unsubscribe(id).unwrap();
    stage.publish("a3");
    stage.publish("b1");
    assert!(!running.is_dropped());
    running.end();
    stage.bus.idle().await;
    // The handler itself is dropped, uncalled.
    calls.gone().await;
    stage.nothing_told();

    let again = stage.bus.unsubscribe(id).unwrap_err();
    assert!(matches!(again, BusError::UnknownSubscription(unknown) if unknown == id));
    let foreign = stage.bus.unsubscribe(SubscriptionId::new(u64::MAX)).unwrap_err();
    assert!(matches!(foreign, BusError::UnknownSubscription(_)));
    let other = Stage::tokio();
    let (handler, _calls) = staged();
    let others = other.subscribe("Made", handler);
    assert!(stage.bus.unsubscribe(others).is_err(), "another bus's id is unknown");
}

async fn a_handler_unsubscribes_itself(mut stage: Stage) {
    let (note, mut notes) = mpsc::unbounded();
    let id: Arc<OnceLock<SubscriptionId>> = Arc::default();
    let own = Arc::clone(&id);
    let bus = Arc::downgrade(&stage.bus);
    let unsubscribes = handler(move |event: Event<Thing>| {
        let (note, own, bus) = (note.clone(), Arc::clone(&own), bus.clone());
        async move {
            note.unbounded_send(event.version.get()).unwrap();
            bus.upgrade().unwrap().unsubscribe(*own.wait()).unwrap();
            futures::future::ready(()).await;
            note.unbounded_send(0).unwrap();
        }
    });
    id.set(stage.subscribe("Made", unsubscribes)).unwrap();
    stage.publish("a1");
    stage.publish("a2");
    let notes: Vec<u64> = notes.by_ref().collect().await;
    assert_eq!(notes, [1, 0]);
    stage.bus.idle().await;
    stage.nothing_told();
}

async fn handlers_publish_and_subscribe(stage: Stage) {
    let (last, mut notes) = noting();
    let bus = Arc::downgrade(&stage.bus);
    stage.subscribe(
        "First",
        handler(move |_: Event<Thing>| {
            let (bus, last) = (bus.upgrade().unwrap(), Arc::clone(&last));
            async move {
                bus.subscribe(crate::stage::to(
                    "Second",
                    asynx_core::bus::Target::Handler(last),
                    asynx_core::bus::SubscriptionOptions::default(),
                ))?;
                bus.publish(named("Second", "a2"))
            }
        }),
    );
    stage.bus.publish(named("First", "a1")).unwrap();
    stage.bus.idle().await;
    assert_eq!(noted(&mut notes), ["a2"]);
}

async fn more_names_than_are_remembered(stage: Stage) {
    let (handler, mut notes) = noting();
    stage.subscribe(r"order\.created\..*", handler);
    for version in 1..=3000 {
        let id = version % 1500;
        stage
            .bus
            .publish(named(&format!("order.created.{id}"), &format!("a{version}")))
            .unwrap();
        stage.bus.publish(named(&format!("order.paid.{id}"), "b1")).unwrap();
    }
    stage.bus.publish(event("a3001")).unwrap();
    stage.bus.idle().await;
    let expected: Vec<String> = (1..=3000).map(|version| format!("a{version}")).collect();
    assert_eq!(noted(&mut notes), expected);
}
