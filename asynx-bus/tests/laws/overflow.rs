use std::num::NonZeroUsize;
use std::sync::Arc;

use asynx_core::Bus;
use asynx_core::bus::{Handler, SubscriptionId, SubscriptionOverflow};

use crate::stage::{Stage, Thing, ended, on_every_runtime, staged, tombstone};

on_every_runtime!(
    drop_newest,
    drop_oldest,
    drop_oldest_empties_a_lane,
    a_dropped_event_has_ended_for_its_delivery,
    a_barrier_needs_no_room,
    running_events_do_not_wait,
);

const FULL: &str = "the queue of 2 events was full, the event was dropped";

/// One place, and room for two.
fn small(stage: &Stage, handler: Handler<Thing>, overflow: SubscriptionOverflow) -> SubscriptionId {
    stage.subscribe_with("Made", handler, |options| {
        options.concurrency = NonZeroUsize::MIN;
        options.capacity = NonZeroUsize::new(2);
        options.overflow = overflow;
    })
}

async fn drop_newest(mut stage: Stage) {
    let bus = Arc::clone(&stage.bus);
    let (handler, mut calls) = staged();
    let id = small(&stage, handler, SubscriptionOverflow::DropNewest);
    ["a1", "a2", "b1", "c1", "a3"]
        .iter()
        .for_each(|label| stage.publish(label));
    assert_eq!(stage.told().await, ("c1".to_owned(), id, FULL.to_owned()));
    assert_eq!(stage.told().await, ("a3".to_owned(), id, FULL.to_owned()));
    for expected in ["a1", "b1", "a2"] {
        let call = calls.next().await;
        assert_eq!(call.label(), expected);
        call.end();
    }
    // There is room again.
    stage.publish("a4");
    assert_eq!(calls.next().await.label(), "a4");
    bus.idle().await;
    stage.nothing_told();
}

async fn drop_oldest(mut stage: Stage) {
    let (handler, mut calls) = staged();
    let id = small(&stage, handler, SubscriptionOverflow::DropOldest);
    // The second time, what was handled before is not taken for old.
    for [one, other] in [["a", "b"], ["c", "d"]] {
        let of = |aggregate, version| format!("{aggregate}{version}");
        let published = [of(one, 1), of(one, 2), of(other, 1), of(one, 3), of(other, 2)];
        published.iter().for_each(|label| stage.publish(label));
        assert_eq!(stage.told().await, (of(one, 2), id, FULL.to_owned()));
        assert_eq!(stage.told().await, (of(other, 1), id, FULL.to_owned()));
        for expected in [of(one, 1), of(other, 2), of(one, 3)] {
            let call = calls.next().await;
            assert_eq!(call.label(), expected);
            call.end();
        }
        stage.bus.idle().await;
        stage.nothing_told();
    }
}

async fn drop_oldest_empties_a_lane(mut stage: Stage) {
    let bus = Arc::clone(&stage.bus);
    let (handler, mut calls) = staged();
    let id = small(&stage, handler, SubscriptionOverflow::DropOldest);
    stage.publish("a1");
    let stuck = calls.next().await;
    let mut expected = Vec::new();
    for aggregate in "bcdefghijklmnopqrstuvwxyz".chars().cycle().take(200) {
        let label = format!("{aggregate}1");
        stage.publish(&label);
        expected.push(label);
    }
    for label in &expected[..198] {
        assert_eq!(stage.told().await, (label.clone(), id, FULL.to_owned()));
    }
    stuck.end();
    for label in &expected[198..] {
        let call = calls.next().await;
        assert_eq!(call.label(), *label);
        call.end();
    }
    bus.idle().await;
    calls.none();
    stage.nothing_told();
}

async fn a_dropped_event_has_ended_for_its_delivery(mut stage: Stage) {
    for overflow in [SubscriptionOverflow::DropNewest, SubscriptionOverflow::DropOldest] {
        let (handler, mut calls) = staged();
        let id = small(&stage, handler, overflow);
        stage.publish("a1");
        let stuck = calls.next().await;
        let deliveries: Vec<_> = ["a2", "a3", "a4"].map(|label| stage.publish_tracked(label)).into();
        let (dropped, expected) = match overflow {
            SubscriptionOverflow::DropNewest => (2, "a4"),
            SubscriptionOverflow::DropOldest => (0, "a2"),
        };
        ended(deliveries.into_iter().nth(dropped).unwrap()).await;
        assert_eq!(stage.told().await.0, expected);
        stuck.end();
        stage.bus.unsubscribe(id).unwrap();
    }
}

async fn a_barrier_needs_no_room(mut stage: Stage) {
    let bus = Arc::clone(&stage.bus);
    let (handler, mut calls) = staged();
    small(&stage, handler, SubscriptionOverflow::DropOldest);
    stage.publish("a1");
    let stuck = calls.next().await;
    ["a2", "b1"].iter().for_each(|label| stage.publish(label));
    let forget = bus.forget(tombstone("a3"));
    let other = bus.forget(tombstone("b2"));
    let mut both = std::pin::pin!(futures::future::join(forget, other));
    assert!(crate::stage::is_pending(&mut both));
    // b1 and a2 make room; the barriers behind them stay or pass.
    ["c1", "d1"].iter().for_each(|label| stage.publish(label));
    assert_eq!(stage.told().await.0, "a2");
    assert_eq!(stage.told().await.0, "b1");
    stuck.end();
    let (first, second) = both.await;
    first.unwrap();
    second.unwrap();
    assert_eq!(calls.next().await.label(), "c1");
}

async fn running_events_do_not_wait(mut stage: Stage) {
    let (handler, mut calls) = staged();
    stage.subscribe_with("Made", handler, |options| {
        options.concurrency = NonZeroUsize::new(4).unwrap();
        options.capacity = NonZeroUsize::new(1);
    });
    // Places are free for these, though none may have begun yet.
    let labels = ["a1", "b1", "c1", "d1"];
    labels.iter().for_each(|label| stage.publish(label));
    assert_eq!(calls.take(4).await.len(), 4);
    stage.nothing_told();
}
