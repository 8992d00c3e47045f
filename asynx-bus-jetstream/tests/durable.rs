//! Durable subscriptions: who is given what, and what of it survives.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod place;

use std::time::Duration;

use asynx_core::Bus as _;
use asynx_core::bus::{Hooks, handler};
use asynx_nats_testing::{Servers, TOKIO};
use place::{Notes, label, labels, made, named, options, process, process_at, subscribe_as};

#[test]
fn of_those_with_one_name_one_is_given_the_events_and_another_goes_on() {
    TOKIO.block_on(async {
        let servers = Servers::start(1, "");
        let (first, second) = (process(&servers, options()).await, process(&servers, options()).await);
        let (to_first, to_second) = (Notes::default(), Notes::default());
        subscribe_as(&first, "mail", "Made", to_first.handler());
        first.publish(made("a", 1)).unwrap();
        to_first.count(1).await;
        subscribe_as(&second, "mail", "Made", to_second.handler());
        for version in 2..=20 {
            second.publish(made("a", version)).unwrap();
            first.publish(named("Other", "b", version - 1)).unwrap();
        }
        to_first.count(20).await;
        assert_eq!(to_first.all(), labels("a", 1..=20));
        assert_eq!(to_second.all(), [""; 0]);
        first.close();
        for version in 21..=40 {
            second.publish(made("a", version)).unwrap();
        }
        to_second.count(20).await;
        assert_eq!(to_second.all(), labels("a", 21..=40));
        assert_eq!(to_first.all().len(), 20);
    });
}

#[test]
fn a_place_survives_the_end_of_the_subscriber() {
    TOKIO.block_on(async {
        let servers = Servers::start(1, "");
        let writer = process(&servers, options()).await;
        let (before, after) = (Notes::default(), Notes::default());
        let reader = process(&servers, options()).await;
        subscribe_as(&reader, "mail", "Made", before.handler());
        for version in 1..=5 {
            writer.publish(made("a", version)).unwrap();
        }
        before.count(5).await;
        reader.idle().await;
        reader.close();
        reader.closed().await;
        for version in 6..=8 {
            writer.publish(made("a", version)).unwrap();
        }
        writer.idle().await;
        let reader = process(&servers, options()).await;
        subscribe_as(&reader, "mail", "Made", after.handler());
        after.count(3).await;
        assert_eq!(before.all(), labels("a", 1..=5));
        assert_eq!(after.all(), labels("a", 6..=8));
    });
}

#[test]
fn what_a_closed_process_had_in_hand_is_another_ones_at_once() {
    TOKIO.block_on(async {
        let servers = Servers::start(1, "");
        // Nothing of it is taken for lost while this test runs.
        let slow = options().with_ack_wait(Duration::from_secs(600));
        let (first, second) = (process(&servers, slow.clone()).await, process(&servers, slow).await);
        let (begun, done) = (Notes::default(), Notes::default());
        let note = begun.clone();
        let hangs = handler(move |event| {
            note.note(label(&event));
            std::future::pending::<()>()
        });
        subscribe_as(&first, "mail", "Made", hangs);
        for version in 1..=5 {
            second.publish(made("a", version)).unwrap();
        }
        begun.count(1).await;
        first.close();
        first.closed().await;
        subscribe_as(&second, "mail", "Made", done.handler());
        done.count(5).await;
        assert_eq!(done.all(), labels("a", 1..=5));
    });
}

#[test]
fn a_place_survives_a_server_that_is_killed() {
    TOKIO.block_on(async {
        let servers = Servers::start(1, "");
        let writer = process(&servers, options()).await;
        let notes = Notes::default();
        let reader = process(&servers, options()).await;
        subscribe_as(&reader, "mail", "Made", notes.handler());
        for version in 1..=5 {
            writer.publish(made("a", version)).unwrap();
        }
        notes.count(5).await;
        reader.close();
        reader.closed().await;
        servers.kill(0);
        // While no server is there, events wait in their process.
        for version in 6..=10 {
            writer.publish(made("a", version)).unwrap();
        }
        servers.start_again(0);
        let reader = process(&servers, options()).await;
        subscribe_as(&reader, "mail", "Made", notes.handler());
        notes.until(|notes| notes.iter().any(|label| label == "a10")).await;
        // The server may have lost the last acknowledgements, and then gives those events again.
        assert_eq!(notes.first_of("a"), labels("a", 1..=10));
    });
}

#[test]
fn what_a_process_that_crashed_had_in_hand_is_given_to_another_in_order() {
    TOKIO.block_on(async {
        let servers = Servers::start(1, "");
        let (begun, done) = (Notes::default(), Notes::default());
        // A crash: nothing of that process runs any more, nothing is given back.
        let crashes = tokio::runtime::Runtime::new().unwrap();
        let url = servers.url();
        let doomed = crashes.spawn(async move { process_at(&url, Hooks::default(), options()).await });
        let doomed = doomed.await.unwrap();
        let note = begun.clone();
        let hangs = handler(move |event| {
            note.note(label(&event));
            std::future::pending::<()>()
        });
        subscribe_as(&doomed, "mail", "Made", hangs);
        let survivor = process(&servers, options()).await;
        for version in 1..=3 {
            survivor.publish(made("a", version)).unwrap();
            survivor.publish(made("b", version)).unwrap();
        }
        begun.count(2).await;
        crashes.shutdown_background();
        std::mem::forget(doomed);
        subscribe_as(&survivor, "mail", "Made", done.handler());
        // Events that nobody had in hand must not overtake those.
        for version in 4..=6 {
            survivor.publish(made("a", version)).unwrap();
            survivor.publish(made("b", version)).unwrap();
        }
        done.count(12).await;
        assert_eq!(done.of("a"), labels("a", 1..=6));
        assert_eq!(done.of("b"), labels("b", 1..=6));
    });
}

#[test]
fn events_are_handled_while_others_keep_coming() {
    TOKIO.block_on(async {
        let servers = Servers::start(1, "");
        let (writer, reader) = (process(&servers, options()).await, process(&servers, options()).await);
        let (first, notes) = (process(&servers, options()).await, Notes::default());
        subscribe_as(&first, "mail", "Made", notes.handler());
        writer.publish(made("a", 1)).unwrap();
        notes.count(1).await;
        first.idle().await;
        first.close();
        first.closed().await;
        // The next one is given many at a time.
        for version in 2..=100 {
            writer.publish(made("a", version)).unwrap();
        }
        writer.idle().await;
        subscribe_as(&reader, "mail", "Made", notes.handler());
        for version in 101..=200 {
            writer.publish(made("a", version)).unwrap();
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert!(notes.all().len() > 100, "{:?}", notes.all());
        notes.count(200).await;
        assert_eq!(notes.all(), labels("a", 1..=200));
    });
}

#[test]
fn whose_turn_it_is_no_more_gives_back_what_it_has_not_begun() {
    TOKIO.block_on(async {
        let servers = Servers::start(1, "");
        let (begun, done) = (Notes::default(), Notes::default());
        let long = || options().with_ack_wait(Duration::from_secs(9));
        let crashes = tokio::runtime::Runtime::new().unwrap();
        let url = servers.url();
        let doomed = crashes.spawn(async move { process_at(&url, Hooks::default(), long()).await });
        let doomed = doomed.await.unwrap();
        let note = begun.clone();
        let hangs = handler(move |event| {
            note.note(label(&event));
            std::future::pending::<()>()
        });
        subscribe_as(&doomed, "mail", "Made", hangs);
        let survivors = [process(&servers, long()).await, process(&servers, long()).await];
        survivors[0].publish(made("a", 1)).unwrap();
        begun.count(1).await;
        crashes.shutdown_background();
        std::mem::forget(doomed);
        for survivor in &survivors {
            subscribe_as(survivor, "mail", "Made", done.handler());
        }
        // Both wait for what the crashed one has in hand, and the turn goes from one to the other.
        let context = async_nats::jetstream::new(async_nats::connect(servers.url()).await.unwrap());
        let stream = context.get_stream("asynx-bus").await.unwrap();
        for version in 2..=12 {
            survivors[0].publish(made("a", version)).unwrap();
            tokio::time::sleep(Duration::from_millis(400)).await;
            stream.unpin_consumer("order:mail", "one").await.unwrap();
        }
        done.count(12).await;
        assert_eq!(done.all(), labels("a", 1..=12));
    });
}
