//! Appends whose answer is lost: told as unknown, settled by appending again, never stored twice, however late they arrive.
mod server;

use std::time::Duration;

use asynx_core::store::{AppendError, AppendGroup, HeadQuery};
use asynx_core::{Store as _, StreamId, Version};
use asynx_store_jetstream::JetStreamOptions;
use asynx_testkit::samples;
use server::{Opens as _, Servers, TOKIO};

fn options() -> JetStreamOptions {
    JetStreamOptions::new().with_request_timeout(Duration::from_millis(400))
}

#[test]
fn what_arrives_late_is_stored_once_or_not() {
    TOKIO.block_on(async {
        let servers = Servers::start(1, "");
        let (one, other) = (servers.store(options()).await, servers.store(options()).await);
        for count in [1, 3] {
            let stream = StreamId::parse("late", &format!("{count}")).unwrap();
            one.append(&stream, samples::event(1)).await.unwrap();
            other.heads(&[query(&stream)]).await.unwrap();
            // Both send the next version to a server that does not answer now.
            servers.pause(0);
            let groups = [samples::group(&stream, 2, count), samples::group(&stream, 2, count)];
            for (store, group) in [(&one, &groups[0]), (&other, &groups[1])] {
                let outcome = store.append_batch(std::slice::from_ref(group)).await.remove(0);
                assert!(matches!(outcome.stopped, Some(AppendError::Unknown(_))), "{outcome:?}");
                assert!(outcome.applied.is_empty());
            }
            servers.resume(0);
            // Whose it became is found out by appending again.
            let mut winners = 0;
            for (store, group) in [(&one, &groups[0]), (&other, &groups[1])] {
                let won = loop {
                    let outcome = store.append_batch(std::slice::from_ref(group)).await.remove(0);
                    match outcome.stopped {
                        None => break true,
                        Some(AppendError::Conflict) => {
                            let query = HeadQuery {
                                event_id: Some(group.events[0].event_id),
                                ..query(&stream)
                            };
                            break store.heads(&[query]).await.unwrap()[0].found.is_some();
                        }
                        Some(AppendError::Unknown(_) | AppendError::NotApplied(_)) => {}
                        Some(error) => panic!("{error:?}"),
                    }
                };
                winners += usize::from(won);
            }
            assert_eq!(winners, 1);
            let stored = one.read_from(&stream, Version::FIRST).await.unwrap();
            let is_of = |group: &AppendGroup| {
                let records = stored[1..].iter().map(|event| &event.record);
                records.eq(group.events.iter().take(stored.len() - 1).map(|event| &event.record))
            };
            assert!(
                stored.len() > 1 && stored.len() as u64 <= 1 + count,
                "{} events",
                stored.len()
            );
            assert!(
                is_of(&groups[0]) != is_of(&groups[1]),
                "what is stored is the beginning of one group"
            );
        }
    });
}

#[test]
fn without_a_connection_nothing_is_handed_over_that_would_be_sent_later() {
    TOKIO.block_on(async {
        let servers = Servers::start(1, "");
        let store = servers.store(options()).await;
        let stream = StreamId::parse("gone", "a").unwrap();
        store.append(&stream, samples::event(1)).await.unwrap();
        servers.kill(0);
        tokio::time::sleep(Duration::from_millis(300)).await;
        let refused = store.append(&stream, samples::event(2)).await.unwrap_err();
        assert!(
            matches!(&refused, AppendError::NotApplied(error) if error.is_transient()),
            "{refused:?}"
        );
        servers.start_again(0);
        let read = loop {
            match store.read_from(&stream, Version::FIRST).await {
                Ok(read) => break read,
                Err(error) => assert!(error.is_transient(), "{error:?}"),
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        };
        assert_eq!(read.len(), 1);
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(store.count(&stream, Version::FIRST).await.unwrap(), 1);
    });
}

/// A first event that was sent before a stream was deleted finds its expectation met if nothing stays of the stream.
#[test]
fn what_was_sent_before_a_delete_does_not_come_after_it() {
    TOKIO.block_on(async {
        let servers = Servers::start(1, "");
        let store = servers.store(options()).await;
        let stream = StreamId::parse("deleted", "a").unwrap();
        store.append(&stream, samples::event(1)).await.unwrap();
        store.delete(&stream).await.unwrap();
        // As it would arrive: the first version, where nothing is expected to be.
        let client = async_nats::connect(servers.url()).await.unwrap();
        let mut headers = async_nats::HeaderMap::new();
        headers.insert("Nats-Expected-Last-Subject-Sequence", "0");
        let late = client.request_with_headers("asynx.e.deleted.a", headers, "late".into());
        let answer = late.await.unwrap();
        assert!(String::from_utf8_lossy(&answer.payload).contains("10071"), "{answer:?}");
        assert_eq!(store.count(&stream, Version::FIRST).await.unwrap(), 0);
    });
}

fn query(stream: &StreamId) -> HeadQuery {
    HeadQuery {
        stream: stream.clone(),
        event_id: None,
    }
}
