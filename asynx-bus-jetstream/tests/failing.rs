//! Handlers of durable subscriptions that fail, and what is parked.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod place;

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use asynx_core::bus::{Handler, Hooks, SubscriptionOptions, handler};
use asynx_core::{Bus as _, Event};
use asynx_nats_testing::{Servers, TOKIO};
use place::{Notes, Order, label, made, options, process, process_with, subscribe_as, subscribe_with};

/// Notes each call, and fails at `a1` so many times.
fn fails_at_a1(notes: &Notes, times: &Arc<AtomicU32>) -> Handler<Order> {
    let (notes, times) = (notes.clone(), Arc::clone(times));
    handler(move |event: Event<Order>| {
        notes.note(label(&event));
        let fails = label(&event) == "a1"
            && times
                .fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1))
                .is_ok();
        std::future::ready(if fails { Err("as the test wants") } else { Ok(()) })
    })
}

fn times(times: u32) -> Arc<AtomicU32> {
    Arc::new(AtomicU32::new(times))
}

fn three_attempts() -> asynx_bus_jetstream::JetStreamBusOptions {
    options().with_attempts(NonZeroU32::new(3).unwrap())
}

#[test]
fn a_failed_event_is_tried_again_after_pauses_and_holds_back_its_aggregate_alone() {
    TOKIO.block_on(async {
        let servers = Servers::start(1, "");
        let bus = process(&servers, three_attempts()).await;
        let notes = Notes::default();
        subscribe_as(&bus, "mail", "Made", fails_at_a1(&notes, &times(2)));
        let begin = tokio::time::Instant::now();
        for event in [made("a", 1), made("a", 2), made("b", 1)] {
            bus.publish(event).unwrap();
        }
        notes.until(|notes| notes.iter().any(|label| label == "a2")).await;
        // Two pauses: 100 ms and 200 ms.
        assert!(begin.elapsed() >= Duration::from_millis(300), "{:?}", begin.elapsed());
        assert_eq!(notes.of("a"), ["a1", "a1", "a1", "a2"]);
        let all = notes.all();
        let at = |wanted: &str| all.iter().position(|label| label == wanted).unwrap();
        assert!(at("b1") < at("a2"), "another aggregate waited: {all:?}");
        assert!(bus.parked("mail", 10).await.unwrap().is_empty());
    });
}

#[test]
fn what_fails_for_good_is_parked_told_and_given_again() {
    TOKIO.block_on(async {
        let servers = Servers::start(1, "");
        let told = Notes::default();
        let tell = told.clone();
        let hooks = Hooks::default().on_handler_failure(move |event, _, failure| {
            tell.note(format!("{}: {failure}", label(event)));
        });
        let bus = process_with(&servers, hooks, three_attempts()).await;
        let notes = Notes::default();
        subscribe_as(&bus, "mail", "Made", fails_at_a1(&notes, &times(3)));
        bus.publish(made("a", 1)).unwrap();
        bus.publish(made("a", 2)).unwrap();
        notes.count(4).await;
        assert_eq!(notes.all(), ["a1", "a1", "a1", "a2"]);
        assert_eq!(told.all(), ["a1: as the test wants"; 3]);
        let parked = bus.parked("mail", 10).await.unwrap();
        assert_eq!(parked.len(), 1);
        let one = &parked[0];
        assert_eq!((one.aggregate_id.as_str(), one.version, one.attempts), ("a", 1, 3));
        assert_eq!(one.reason, "as the test wants");
        assert!(bus.parked("other", 10).await.unwrap().is_empty());
        bus.give_again(one).await.unwrap();
        notes.count(5).await;
        assert_eq!(notes.all().last().unwrap(), "a1");
        assert!(bus.parked("mail", 10).await.unwrap().is_empty());
        assert!(bus.give_again(one).await.is_err(), "it was given again already");
    });
}

#[test]
fn a_fallback_that_succeeds_leaves_nothing_to_park() {
    TOKIO.block_on(async {
        let servers = Servers::start(1, "");
        let bus = process(&servers, three_attempts()).await;
        let (notes, fallbacks) = (Notes::default(), Notes::default());
        let with_fallback = SubscriptionOptions {
            fallback: Some(fallbacks.handler()),
            ..SubscriptionOptions::default()
        };
        subscribe_with(&bus, "mail", with_fallback, "Made", fails_at_a1(&notes, &times(100)));
        bus.publish(made("a", 1)).unwrap();
        bus.publish(made("a", 2)).unwrap();
        notes.count(4).await;
        assert_eq!(notes.all(), ["a1", "a1", "a1", "a2"]);
        assert_eq!(fallbacks.all(), ["a1"]);
        bus.idle().await;
        assert!(bus.parked("mail", 10).await.unwrap().is_empty());
    });
}

#[test]
fn a_handler_that_takes_longer_than_the_server_waits_is_not_given_its_event_twice() {
    TOKIO.block_on(async {
        let servers = Servers::start(1, "");
        let bus = process(&servers, options().with_ack_wait(Duration::from_secs(1))).await;
        let notes = Notes::default();
        let slow = notes.clone();
        let handler = handler(move |event: Event<Order>| {
            let slow = slow.clone();
            async move {
                slow.note(label(&event));
                tokio::time::sleep(Duration::from_secs(3)).await;
            }
        });
        subscribe_as(&bus, "mail", "Made", handler);
        bus.publish(made("a", 1)).unwrap();
        bus.publish(made("a", 2)).unwrap();
        notes.count(2).await;
        tokio::time::sleep(Duration::from_secs(4)).await;
        assert_eq!(notes.all(), ["a1", "a2"]);
    });
}
