use std::sync::Arc;

use asynx_core::bus::handler;
use asynx_core::{Bus, Event};
use futures::channel::mpsc;
use futures::{FutureExt, StreamExt};

use crate::stage::{Stage, Thing, ends_when_woken, event, is_pending, named, noted, noting, on_every_runtime, staged};

on_every_runtime!(
    ends_at_once_when_nothing_is_given,
    ends_when_everything_given_before_has_ended,
    does_not_wait_for_what_is_given_later,
    waits_for_what_handlers_caused,
    a_handler_can_wait_for_the_others,
    many_who_gave_up_harm_nobody,
);

async fn ends_at_once_when_nothing_is_given(stage: Stage) {
    stage.bus.idle().now_or_never().unwrap();
    let (handler, _calls) = staged();
    stage.subscribe("Made", handler);
    stage.bus.publish(named("Other", "a1")).unwrap();
    stage.bus.idle().now_or_never().unwrap();
}

async fn ends_when_everything_given_before_has_ended(stage: Stage) {
    let (first, mut to_first) = staged();
    let (second, mut to_second) = staged();
    let (fallback, mut fallbacks) = staged();
    stage.subscribe("Made", first);
    stage.subscribe_with("Made", second, |options| options.fallback = Some(fallback));
    ["a1", "a2", "b1"].iter().for_each(|label| stage.publish(label));
    let mut waiters: Vec<_> = (0..3).map(|_| stage.bus.idle()).collect();
    let mut all_pending = || assert!(waiters.iter_mut().all(is_pending));
    all_pending();
    to_first.take(2).await.into_iter().for_each(crate::stage::Call::end);
    to_first.next().await.end();
    all_pending();
    to_second.take(2).await.into_iter().for_each(crate::stage::Call::end);
    let last = to_second.next().await;
    all_pending();
    last.fail("as the test wants");
    let last = fallbacks.next().await;
    all_pending();
    last.end();
    futures::future::join_all(waiters).await;
}

async fn does_not_wait_for_what_is_given_later(stage: Stage) {
    let (handler, mut calls) = staged();
    stage.subscribe("Made", handler);
    stage.publish("a1");
    let first = calls.next().await;
    let mut idle = stage.bus.idle();
    assert!(is_pending(&mut idle));
    ["a2", "b1"].iter().for_each(|label| stage.publish(label));
    let _later = calls.next().await;
    first.end();
    idle.await;
}

async fn waits_for_what_handlers_caused(stage: Stage) {
    let (first, mut to_first) = staged();
    let (last, mut to_last) = staged();
    let bus = Arc::downgrade(&stage.bus);
    let relay = handler(move |received: Event<Thing>| {
        let bus = bus.upgrade().unwrap();
        async move {
            let next = received.event_name.as_str().replace('2', "3").replace('1', "2");
            bus.publish(named(&next, "b1"))
        }
    });
    stage.subscribe("Made", first);
    stage.subscribe("Step[12]", relay);
    stage.subscribe("Step3", last);
    stage.publish("a1");
    let begun = to_first.next().await;
    let mut idle = stage.bus.idle();
    assert!(is_pending(&mut idle));
    // Given later than that, and in its cause given before.
    let caused = named("Step1", "b1").with_ancestry(begun.event.ancestry().clone());
    stage.bus.publish(caused).unwrap();
    let call = to_last.next().await;
    let woken = ends_when_woken(&mut idle, || begun.end());
    assert!(!woken.await);
    call.end();
    idle.await;
}

async fn a_handler_can_wait_for_the_others(stage: Stage) {
    let (tell, mut told) = mpsc::unbounded();
    let bus = Arc::downgrade(&stage.bus);
    let waits = handler(move |_: Event<Thing>| {
        let (bus, tell) = (bus.upgrade().unwrap(), tell.clone());
        async move {
            bus.publish(named("Caused", "b1")).unwrap();
            bus.idle().await;
            tell.unbounded_send(()).unwrap();
        }
    });
    let (caused, mut calls) = staged();
    stage.subscribe("Made", waits);
    stage.subscribe("Caused", caused);
    stage.publish("a1");
    let call = calls.next().await;
    assert!(told.try_recv().is_err());
    call.end();
    told.next().await.unwrap();
    stage.bus.idle().await;
}

async fn many_who_gave_up_harm_nobody(stage: Stage) {
    let (handler, mut calls) = staged();
    stage.subscribe("Made", handler);
    stage.publish("a1");
    let call = calls.next().await;
    for _ in 0..10_000 {
        assert!(is_pending(&mut stage.bus.idle()));
    }
    let (noting, mut notes) = noting();
    stage.subscribe("Made", noting);
    stage.bus.publish(event("a2")).unwrap();
    call.end();
    calls.next().await.end();
    stage.bus.idle().await;
    assert_eq!(noted(&mut notes), ["a2"]);
}
