use std::time::Duration;

use asynx_core::bus::handler;
use asynx_core::{Bus, Event};

use crate::stage::{Stage, Thing, on_every_runtime, staged};

on_every_runtime!(
    an_error_goes_to_the_hook_and_then_to_the_fallback,
    a_fallbacks_failure_is_told_too,
    a_handler_that_exceeds_its_timeout_is_dropped,
    a_fallback_has_the_same_timeout,
    a_handler_in_time_is_no_failure,
    without_a_fallback_the_next_event_is_handled,
);

const SHORT: Duration = Duration::from_millis(20);
const LONG: Duration = Duration::from_secs(3600);

async fn an_error_goes_to_the_hook_and_then_to_the_fallback(mut stage: Stage) {
    let (handler, mut calls) = staged();
    let (fallback, mut fallbacks) = staged();
    let id = stage.subscribe_with("Made", handler, |options| options.fallback = Some(fallback));
    stage.publish("a1");
    stage.publish("a2");
    calls.next().await.fail("as the test wants");
    assert_eq!(fallbacks.next().await.label(), "a1");
    assert_eq!(
        stage.told().await,
        ("a1".to_owned(), id, "as the test wants".to_owned())
    );
    let second = calls.next().await;
    assert_eq!(second.label(), "a2");
    second.end();
    stage.bus.idle().await;
    fallbacks.none();
    stage.nothing_told();
}

async fn a_fallbacks_failure_is_told_too(mut stage: Stage) {
    let (handler, mut calls) = staged();
    let (fallback, mut fallbacks) = staged();
    let id = stage.subscribe_with("Made", handler, |options| options.fallback = Some(fallback));
    stage.publish("a1");
    stage.publish("a2");
    calls.next().await.fail("first");
    let fallback = fallbacks.next().await;
    assert_eq!(stage.told().await, ("a1".to_owned(), id, "first".to_owned()));
    // The next event waits for the fallback.
    calls.none();
    fallback.fail("second");
    assert_eq!(stage.told().await, ("a1".to_owned(), id, "second".to_owned()));
    assert_eq!(calls.next().await.label(), "a2");
    fallbacks.none();
}

async fn a_handler_that_exceeds_its_timeout_is_dropped(mut stage: Stage) {
    let (handler, mut calls) = staged();
    let (fallback, mut fallbacks) = staged();
    let id = stage.subscribe_with("Made", handler, |options| {
        options.timeout = Some(SHORT);
        options.fallback = Some(fallback);
    });
    stage.publish("a1");
    stage.publish("a2");
    let slow = calls.next().await;
    assert_eq!(
        stage.told().await,
        ("a1".to_owned(), id, format!("did not end within {SHORT:?}"))
    );
    assert!(slow.is_dropped(), "it is dropped before the hook is told");
    let fallback = fallbacks.next().await;
    assert_eq!(fallback.label(), "a1");
    fallback.end();
    assert_eq!(calls.next().await.label(), "a2");
}

async fn a_fallback_has_the_same_timeout(mut stage: Stage) {
    let fails = handler(async |_: Event<Thing>| Err::<(), _>("as the test wants"));
    let (fallback, mut fallbacks) = staged();
    stage.subscribe_with("Made", fails, |options| {
        options.timeout = Some(SHORT);
        options.fallback = Some(fallback);
    });
    stage.publish("a1");
    stage.publish("a2");
    let slow = fallbacks.next().await;
    assert_eq!(stage.told().await.2, "as the test wants");
    assert_eq!(stage.told().await.2, format!("did not end within {SHORT:?}"));
    slow.dropped().await;
    assert_eq!(fallbacks.next().await.label(), "a2");
}

async fn a_handler_in_time_is_no_failure(mut stage: Stage) {
    let (handler, mut calls) = staged();
    let (fallback, mut fallbacks) = staged();
    stage.subscribe_with("Made", handler, |options| {
        options.timeout = Some(LONG);
        options.fallback = Some(fallback);
    });
    for label in ["a1", "a2"] {
        stage.publish(label);
        calls.next().await.end();
    }
    stage.bus.idle().await;
    fallbacks.none();
    stage.nothing_told();
}

async fn without_a_fallback_the_next_event_is_handled(mut stage: Stage) {
    let (handler, mut calls) = staged();
    stage.subscribe_with("Made", handler, |options| options.timeout = Some(SHORT));
    stage.publish("a1");
    stage.publish("a2");
    stage.publish("a3");
    calls.next().await.fail("an error");
    let slow = calls.next().await;
    assert_eq!(slow.label(), "a2");
    assert_eq!(calls.next().await.label(), "a3");
    assert_eq!(stage.told().await.0, "a1");
    assert_eq!(stage.told().await.0, "a2");
}
