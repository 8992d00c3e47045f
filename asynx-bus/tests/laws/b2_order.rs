use std::num::NonZeroUsize;

use asynx_core::Bus;

use crate::stage::{Call, Stage, on_every_runtime, staged};

on_every_runtime!(
    one_aggregate_one_after_the_other,
    different_aggregates_side_by_side_up_to_the_concurrency,
    a_busy_aggregate_does_not_starve_others,
);

fn labels(calls: &[Call]) -> Vec<String> {
    calls.iter().map(Call::label).collect()
}

async fn one_aggregate_one_after_the_other(stage: Stage) {
    let (handler, mut calls) = staged();
    stage.subscribe("Made", handler);
    // The other aggregate's event shows that places are free.
    ["a1", "a2", "a3", "b1"].iter().for_each(|label| stage.publish(label));
    let mut running = calls.take(2).await;
    assert_eq!(labels(&running), ["a1", "b1"]);
    running.remove(0).end();
    let second = calls.next().await;
    assert_eq!(second.label(), "a2");
    second.fail("as the test wants");
    let third = calls.next().await;
    assert_eq!(third.label(), "a3");
    third.end();
    drop(running);
    stage.bus.idle().await;
    calls.none();
}

async fn different_aggregates_side_by_side_up_to_the_concurrency(stage: Stage) {
    let (handler, mut calls) = staged();
    stage.subscribe_with("Made", handler, |options| {
        options.concurrency = NonZeroUsize::new(3).unwrap();
    });
    ["a1", "a2", "b1", "c1", "d1", "e1"]
        .iter()
        .for_each(|label| stage.publish(label));
    let mut running = calls.take(3).await;
    assert_eq!(labels(&running), ["a1", "b1", "c1"]);
    // Each place that gets free is taken by who waits longest, and no other one.
    for next in ["d1", "e1", "a2"] {
        running.remove(0).end();
        let call = calls.next().await;
        assert_eq!(call.label(), next);
        calls.none();
        running.push(call);
    }
    drop(running);
    stage.bus.idle().await;
    calls.none();
}

async fn a_busy_aggregate_does_not_starve_others(stage: Stage) {
    let (handler, mut calls) = staged();
    stage.subscribe_with("Made", handler, |options| options.concurrency = NonZeroUsize::MIN);
    ["a1", "a2", "a3", "b1", "c1", "b2"]
        .iter()
        .for_each(|label| stage.publish(label));
    for expected in ["a1", "b1", "c1", "a2", "b2", "a3"] {
        let call = calls.next().await;
        assert_eq!(call.label(), expected);
        call.end();
    }
}
