//! Servers that end and come back while events are published.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod place;

use std::time::Duration;

use asynx_core::Bus as _;
use asynx_nats_testing::{Servers, TOKIO};
use place::{Notes, labels, made, options, process, subscribe, subscribe_as};

#[test]
fn a_server_that_is_killed_costs_no_event_and_no_order() {
    TOKIO.block_on(async {
        let servers = Servers::start(1, "");
        let (here, there) = (process(&servers, options()).await, process(&servers, options()).await);
        let (ours, theirs, mail) = (Notes::default(), Notes::default(), Notes::default());
        subscribe(&here, "Made", ours.handler());
        subscribe(&there, "Made", theirs.handler());
        subscribe_as(&there, "mail", "Made", mail.handler());
        for version in 1..=60 {
            here.publish(made("a", version)).unwrap();
            here.publish(made("b", version)).unwrap();
            if version % 20 == 0 {
                servers.kill(0);
                tokio::time::sleep(Duration::from_millis(300)).await;
                servers.start_again(0);
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        for notes in [&ours, &theirs] {
            notes.count(120).await;
            assert_eq!(notes.of("a"), labels("a", 1..=60));
            assert_eq!(notes.of("b"), labels("b", 1..=60));
        }
        // At least once: what was not acknowledged comes again, and never behind a later one for the first time.
        mail.until(|notes| {
            ["a60", "b60"]
                .iter()
                .all(|last| notes.iter().any(|label| label == last))
        })
        .await;
        for id in ["a", "b"] {
            assert_eq!(mail.first_of(id), labels(id, 1..=60));
        }
    });
}
