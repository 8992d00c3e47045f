//! Servers that end and come back while events are published.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod place;

use std::time::Duration;

use async_nats::ServerAddr;
use async_nats::jetstream;
use asynx_core::bus::Hooks;
use asynx_core::{Bus as _, BusError, Event};
use asynx_nats_testing::{Servers, TOKIO};
use place::proxy::Proxy;
use place::{Notes, Order, PATIENCE, labels, made, options, process, process_at, subscribe, subscribe_as};

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

#[test]
fn whichever_of_three_servers_is_gone_events_come_soon() {
    TOKIO.block_on(async {
        let servers = Servers::start(3, "");
        let options = || options().with_replicas(3);
        let (here, there) = (process(&servers, options()).await, process(&servers, options()).await);
        let (ours, theirs, mail) = (Notes::default(), Notes::default(), Notes::default());
        subscribe(&here, "Made", ours.handler());
        subscribe(&there, "Made", theirs.handler());
        subscribe_as(&there, "mail", "Made", mail.handler());
        let mut version = 0;
        for gone in 0..3 {
            for _ in 0..5 {
                version += 1;
                here.publish(made("a", version)).unwrap();
            }
            for notes in [&ours, &theirs] {
                notes.count(usize::try_from(version).unwrap()).await;
            }
            servers.kill(gone);
            for _ in 0..5 {
                version += 1;
                here.publish(made("a", version)).unwrap();
            }
            // It stays away all the while.
            for notes in [&ours, &theirs] {
                notes.count(usize::try_from(version).unwrap()).await;
                assert_eq!(notes.all(), labels("a", 1..=version));
            }
            let last = format!("a{version}");
            mail.until(|notes| notes.contains(&last)).await;
            assert_eq!(mail.first_of("a"), labels("a", 1..=version));
            servers.start_again(gone);
            // Two of three are needed, each with all that was agreed on.
            whole(&servers).await;
        }
    });
}

/// Waits until every server has everything.
async fn whole(servers: &Servers) {
    let addresses: Vec<ServerAddr> = servers.url().split(',').map(|url| url.parse().unwrap()).collect();
    let context = jetstream::new(async_nats::connect(addresses).await.unwrap());
    let waiting = async {
        for name in ["asynx-bus", "asynx-bus-parked"] {
            while !is_whole(&context, name).await {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    };
    let waited = tokio::time::timeout(PATIENCE, waiting).await;
    assert!(waited.is_ok(), "a server has not caught up");
}

async fn is_whole(context: &jetstream::Context, stream: &str) -> bool {
    let Ok(stream) = context.get_stream(stream).await else {
        return false;
    };
    stream.cached_info().cluster.as_ref().is_some_and(|cluster| {
        let mut replicas = cluster.replicas.iter();
        cluster.leader.is_some() && replicas.len() == 2 && replicas.all(|replica| replica.current && !replica.offline)
    })
}

#[test]
fn an_event_whose_answer_was_lost_is_published_once() {
    TOKIO.block_on(async {
        let servers = Servers::start(1, "");
        let proxy = Proxy::before(&servers.url()).await;
        let failures = Notes::default();
        let told = failures.clone();
        let hooks =
            Hooks::default().on_publish_error(move |_: &Event<Order>, error: &BusError| told.note(error.to_string()));
        let here = process_at(proxy.url(), hooks, options()).await;
        let there = process(&servers, options()).await;
        let (ours, theirs) = (Notes::default(), Notes::default());
        subscribe(&here, "Made", ours.handler());
        subscribe(&there, "Made", theirs.handler());
        here.publish(made("a", 1)).unwrap();
        ours.count(1).await;
        proxy.deafen();
        here.publish(made("a", 2)).unwrap();
        theirs.count(2).await;
        // Others go on behind it meanwhile.
        there.publish(made("a", 3)).unwrap();
        theirs.count(3).await;
        proxy.heal();
        here.publish(made("a", 4)).unwrap();
        for notes in [&ours, &theirs] {
            notes.count(4).await;
            assert_eq!(notes.all(), labels("a", 1..=4));
        }
        assert_eq!(failures.all(), [""; 0]);
    });
}
