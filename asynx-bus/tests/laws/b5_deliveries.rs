use asynx_core::{Ancestry, Bus};
use futures::FutureExt;

use crate::stage::{Stage, ended, is_pending, on_every_runtime, staged, stream};

on_every_runtime!(
    ends_with_the_last_handler,
    ends_with_the_fallback,
    ends_when_unsubscribed,
    goes_to_no_subscription,
    may_be_dropped,
    skips_those_that_wait_for_the_caller,
    counts_streams,
);

async fn ends_with_the_last_handler(stage: Stage) {
    let (first, mut to_first) = staged();
    let (second, mut to_second) = staged();
    stage.subscribe("Made", first);
    stage.subscribe("Made", second);
    stage.publish("a1");
    let delivery = stage.publish_tracked("a2");
    assert_eq!(delivery.len(), 2);
    let mut delivered = ended(delivery).boxed();
    assert!(is_pending(&mut delivered));
    to_first.next().await.end();
    to_first.next().await.end();
    to_second.next().await.end();
    let last = to_second.next().await;
    assert!(is_pending(&mut delivered));
    last.end();
    delivered.await;
}

async fn ends_with_the_fallback(stage: Stage) {
    let (handler, mut calls) = staged();
    let (fallback, mut fallbacks) = staged();
    stage.subscribe_with("Made", handler, |options| options.fallback = Some(fallback));
    let mut delivered = ended(stage.publish_tracked("a1")).boxed();
    calls.next().await.fail("as the test wants");
    let fallback = fallbacks.next().await;
    assert!(is_pending(&mut delivered));
    fallback.fail("as well");
    delivered.await;
}

async fn ends_when_unsubscribed(stage: Stage) {
    let (handler, mut calls) = staged();
    let id = stage.subscribe("Made", handler);
    let mut running = ended(stage.publish_tracked("a1")).boxed();
    let mut waiting = ended(stage.publish_tracked("a2")).boxed();
    let call = calls.next().await;
    assert!(is_pending(&mut running));
    assert!(is_pending(&mut waiting));
    stage.bus.unsubscribe(id).unwrap();
    running.await;
    waiting.await;
    assert!(!call.is_dropped(), "what runs is finished");
}

async fn goes_to_no_subscription(stage: Stage) {
    let delivery = stage.publish_tracked("a1");
    assert!(delivery.is_empty());
    ended(delivery).await;
}

async fn may_be_dropped(stage: Stage) {
    let (handler, mut calls) = staged();
    stage.subscribe("Made", handler);
    drop(stage.publish_tracked("a1"));
    let mut delivered = ended(stage.publish_tracked("a2")).boxed();
    assert!(is_pending(&mut delivered));
    drop(delivered);
    calls.next().await.end();
    calls.next().await.end();
    stage.bus.idle().await;
}

async fn skips_those_that_wait_for_the_caller(stage: Stage) {
    let (outer, mut to_outer) = staged();
    let (inner, mut to_inner) = staged();
    stage.subscribe("Made", outer);
    stage.publish("a1");
    let waits = to_outer.next().await;
    stage.subscribe("Made", inner);
    let mut delivered = stage.publish_tracked("a2").wait(waits.event.ancestry()).boxed();
    let call = to_inner.next().await;
    assert!(is_pending(&mut delivered));
    call.end();
    // The outer one has not been given it yet, and is not waited for.
    delivered.await;
    to_outer.none();
    waits.end();
}

async fn counts_streams(stage: Stage) {
    let (subscription, _listener) = stream("Made", None, Default::default());
    stage.bus.subscribe(subscription).unwrap();
    let delivery = stage.publish_tracked("a1");
    assert_eq!(delivery.len(), 1);
    delivery.wait(&Ancestry::default()).await;
}
