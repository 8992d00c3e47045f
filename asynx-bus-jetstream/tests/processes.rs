//! Several processes on one bus.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod place;

use std::sync::{Arc, Mutex};
use std::time::Duration;

use asynx_core::bus::{Hooks, handler};
use asynx_core::{Bus as _, Event};
use asynx_nats_testing::{Servers, TOKIO};
use place::{
    Notes, Order, label, labels, made, named, options, process, process_with, subscribe, subscribe_as, tombstone,
};

#[test]
fn events_of_every_process_reach_the_subscribers_of_every_process_in_order() {
    TOKIO.block_on(async {
        let servers = Servers::start(1, "");
        let processes = [process(&servers, options()).await, process(&servers, options()).await];
        let notes = [Notes::default(), Notes::default()];
        for (bus, notes) in processes.iter().zip(&notes) {
            subscribe(bus, "Made", notes.handler());
        }
        // The two write the same aggregates in turns, as two that conflict and run again do, and publish at once.
        for version in 1..=50 {
            for (n, id) in ["a", "b"].into_iter().enumerate() {
                let by = &processes[(usize::try_from(version).unwrap() / 3 + n) % 2];
                by.publish(made(id, version)).unwrap();
            }
        }
        for notes in &notes {
            notes.count(100).await;
            assert_eq!(notes.of("a"), labels("a", 1..=50));
            assert_eq!(notes.of("b"), labels("b", 1..=50));
        }
    });
}

#[test]
fn what_another_process_publishes_is_the_whole_event() {
    TOKIO.block_on(async {
        let servers = Servers::start(1, "");
        let (here, there) = (process(&servers, options()).await, process(&servers, options()).await);
        let given = Arc::new(Mutex::new(None));
        let keep = Arc::clone(&given);
        let notes = Notes::default();
        let told = notes.clone();
        subscribe(
            &there,
            ".*",
            handler(move |event: Event<Order>| {
                *keep.lock().unwrap() = Some(event.clone());
                told.note(label(&event));
                std::future::ready(())
            }),
        );
        let sent = made("a.b *>", 2);
        here.publish(sent.clone()).unwrap();
        notes.count(1).await;
        let given: Event<Order> = given.lock().unwrap().take().unwrap();
        assert_eq!(format!("{:?}", *given), format!("{:?}", *sent));
    });
}

#[test]
fn an_event_waits_for_the_one_before_and_goes_ahead_in_the_end() {
    TOKIO.block_on(async {
        let servers = Servers::start(1, "");
        let (lost, late) = (Notes::default(), Notes::default());
        let told = lost.clone();
        let hooks =
            Hooks::default().on_publish_error(move |event, error| told.note(format!("{}: {error}", label(event))));
        let patience = options().with_patience(Duration::from_secs(1));
        let (first, second) = (
            process_with(&servers, hooks, patience.clone()).await,
            process(&servers, patience).await,
        );
        subscribe(&second, ".*", late.handler());
        // The second process has written version 2 upon version 1, which the first one is slow to publish.
        second.publish(made("a", 2)).unwrap();
        tokio::time::sleep(Duration::from_millis(200)).await;
        first.publish(made("a", 1)).unwrap();
        late.count(2).await;
        assert_eq!(late.all(), ["a1", "a2"]);
        // And one that is too slow loses its place, and is told.
        second.publish(made("b", 2)).unwrap();
        late.count(3).await;
        first.publish(made("b", 1)).unwrap();
        lost.count(1).await;
        assert!(
            lost.all()[0].contains("b1: ") && lost.all()[0].contains("came too late"),
            "{:?}",
            lost.all()
        );
        assert_eq!(late.all(), ["a1", "a2", "b2"]);
    });
}

#[test]
fn forgetting_erases_the_life_from_the_bus_and_no_other() {
    TOKIO.block_on(async {
        let servers = Servers::start(1, "");
        let (here, there) = (process(&servers, options()).await, process(&servers, options()).await);
        let (plain, kept) = (Notes::default(), Notes::default());
        subscribe(&there, ".*", plain.handler());
        here.publish(named("Secret-of-a", "a", 1)).unwrap();
        here.publish(named("Secret-of-b", "b", 1)).unwrap();
        plain.count(2).await;
        here.forget(tombstone("a", 2)).await.unwrap();
        here.publish(made("a", 3)).unwrap();
        plain.count(3).await;
        assert_eq!(plain.all().len(), 3, "a tombstone reaches nobody: {:?}", plain.all());
        assert!(!servers.have_on_disk(b"Secret-of-a"));
        assert!(servers.have_on_disk(b"Secret-of-b"));
        // The new life is still there for who comes later.
        let late = process(&servers, options()).await;
        subscribe_as(&late, "late", ".*", kept.handler());
        late.publish(made("a", 4)).unwrap();
        kept.count(1).await;
        assert_eq!(kept.all(), ["a4"]);
    });
}
