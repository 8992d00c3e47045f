//! Events that are on their way before they are given.

use asynx_core::bus::SubscriptionId;
use asynx_core::{Ancestry, Bus};

use crate::stage::{Stage, ended, event, is_pending, label, noted, noting, on_every_runtime, staged};

on_every_runtime!(
    those_of_that_moment_are_given_it,
    the_delivery_lasts_from_then_on,
    dropped_it_is_given_to_nobody,
    idle_waits_for_what_a_handler_caused,
    after_close_the_hooks_are_told,
);

async fn those_of_that_moment_are_given_it(stage: Stage) {
    let (first, mut to_first) = noting();
    let (late, mut to_late) = noting();
    let id = stage.subscribe("Made", first);
    let reserved = stage.bus.reserve(event("a1")).unwrap();
    assert_eq!(reserved.subscriptions().collect::<Vec<_>>(), [id]);
    stage.subscribe("Made", late);
    stage.publish("a2");
    stage.bus.idle().await;
    assert_eq!(noted(&mut to_first), ["a2"]);
    reserved.give();
    stage.bus.idle().await;
    assert_eq!(noted(&mut to_first), ["a1"]);
    assert_eq!(noted(&mut to_late), ["a2"]);
    assert!(stage.bus.is_wanted(&event("a1").event_name));
}

async fn the_delivery_lasts_from_then_on(stage: Stage) {
    let (handler, mut calls) = staged();
    stage.subscribe("Made", handler);
    let mut reserved = stage.bus.reserve(event("a1")).unwrap();
    let mut delivered = Box::pin(ended(reserved.delivery()));
    assert!(is_pending(&mut delivered));
    reserved.give();
    let call = calls.next().await;
    assert!(is_pending(&mut delivered));
    call.end();
    delivered.await;
}

async fn dropped_it_is_given_to_nobody(stage: Stage) {
    let (handler, mut calls) = staged();
    stage.subscribe("Made", handler);
    let mut reserved = stage.bus.reserve(event("a1")).unwrap();
    let delivery = reserved.delivery();
    drop(reserved);
    ended(delivery).await;
    stage.bus.idle().await;
    calls.none();
}

async fn idle_waits_for_what_a_handler_caused(stage: Stage) {
    let (handler, mut calls) = staged();
    stage.subscribe("Made", handler);
    let caused = event("a1").with_ancestry(Ancestry::default().child(SubscriptionId::new(u64::MAX)));
    let reserved = stage.bus.reserve(caused).unwrap();
    let mut idle = Box::pin(stage.bus.idle());
    assert!(is_pending(&mut idle));
    reserved.give();
    calls.next().await.end();
    idle.await;
}

async fn after_close_the_hooks_are_told(mut stage: Stage) {
    let (handler, mut calls) = staged();
    let id = stage.subscribe("Made", handler);
    let reserved = stage.bus.reserve(event("a1")).unwrap();
    assert_eq!(label(reserved.event()), "a1");
    stage.bus.close();
    assert!(stage.bus.reserve(event("a2")).is_err());
    reserved.give();
    let told = stage.told().await;
    assert!(told.0 == "a1" && told.1 == id, "{told:?}");
    calls.gone().await;
}
