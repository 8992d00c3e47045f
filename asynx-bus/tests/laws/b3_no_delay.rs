use std::num::NonZeroUsize;

use asynx_core::Bus;
use futures::StreamExt;

use crate::stage::{Stage, blocking, noting, on_every_runtime, staged};

on_every_runtime!(
    publish_does_not_wait,
    one_subscription_does_not_delay_another,
    one_aggregate_holds_no_more_than_its_place,
    a_blocked_thread_delays_no_other_subscription,
);

async fn publish_does_not_wait(stage: Stage) {
    let (handler, mut calls) = staged();
    stage.subscribe("Made", handler);
    (1..=1000).for_each(|version| stage.publish(&format!("a{version}")));
    assert_eq!(calls.next().await.label(), "a1");
}

async fn one_subscription_does_not_delay_another(stage: Stage) {
    let (slow, mut calls) = staged();
    stage.subscribe_with("Made", slow, |options| options.concurrency = NonZeroUsize::MIN);
    let (fast, notes) = noting();
    stage.subscribe("Made", fast);
    (1..=100).for_each(|version| stage.publish(&format!("a{version}")));
    let stuck = calls.next().await;
    assert_eq!(notes.take(100).count().await, 100);
    calls.none();
    stuck.end();
}

async fn one_aggregate_holds_no_more_than_its_place(stage: Stage) {
    let (handler, mut calls) = staged();
    stage.subscribe_with("Made", handler, |options| {
        options.concurrency = NonZeroUsize::new(2).unwrap();
    });
    stage.publish("a1");
    let stuck = calls.next().await;
    (2..=50).for_each(|version| stage.publish(&format!("a{version}")));
    for version in 1..=50 {
        let label = format!("b{version}");
        stage.publish(&label);
        let call = calls.next().await;
        assert_eq!(call.label(), label);
        call.end();
    }
    assert!(!stuck.is_dropped());
}

async fn a_blocked_thread_delays_no_other_subscription(stage: Stage) {
    let (blocks, mut begun, release) = blocking();
    stage.subscribe_with("Made", blocks, |options| options.concurrency = NonZeroUsize::MIN);
    stage.publish("a1");
    begun.next().await.unwrap();
    let (fast, notes) = noting();
    stage.subscribe("Made", fast);
    (2..=20).for_each(|version| stage.publish(&format!("a{version}")));
    assert_eq!(notes.take(19).count().await, 19);
    drop(release);
    stage.bus.idle().await;
}
