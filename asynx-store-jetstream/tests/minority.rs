//! Servers of a cluster that are too few, or outdated, do not answer with what may be wrong.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod server;

use std::time::Duration;

use asynx_core::store::AppendError;
use asynx_core::{Store as _, StreamId, Version};
use asynx_store_jetstream::JetStreamOptions;
use asynx_testkit::samples;
use server::{Opens as _, Servers, TOKIO, Writer, store_at};

fn options() -> JetStreamOptions {
    JetStreamOptions::new()
        .with_replicas(3)
        .with_request_timeout(Duration::from_secs(2))
}

#[test]
fn one_of_three_neither_reads_nor_stores_and_goes_on_with_the_others() {
    TOKIO.block_on(async {
        let servers = Servers::start(3, "");
        drop(servers.store(options()).await);
        let store = store_at(&servers.url_of(0), options()).await;
        let mut writer = Writer::new(&store, "minority", "a");
        writer.append(1).await;
        servers.kill(1);
        servers.kill(2);
        for _ in 0..3 {
            let read = store.read_from(&writer.stream, Version::FIRST).await;
            let error = read.expect_err("one of three cannot know");
            assert!(error.is_transient(), "{error:?}");
            let stored = store.append(&writer.stream, samples::event(2)).await;
            match stored.expect_err("one of three cannot store") {
                AppendError::Unknown(error) | AppendError::NotApplied(error) => {
                    assert!(error.is_transient(), "{error:?}")
                }
                error => panic!("{error:?}"),
            }
        }
        servers.start_again(1);
        servers.start_again(2);
        // One of the appends may come through now, but at most one, and no read goes back behind what was read.
        let newest = loop {
            match store.heads(&[head_of(&writer.stream)]).await {
                Ok(heads) => break heads[0].version,
                Err(error) => assert!(error.is_transient(), "{error:?}"),
            }
        };
        assert!(newest == Version::new(1) || newest == Version::new(2), "{newest:?}");
        let read = store.read_from(&writer.stream, Version::FIRST).await.unwrap();
        assert!(read.len() <= 2, "{} events", read.len());
    });
}

#[test]
fn a_leader_that_slept_does_not_answer_with_what_was_true_before() {
    TOKIO.block_on(async {
        let servers = Servers::start(3, "");
        let mut writer = Writer::new(&servers.store(options()).await, "sleeper", "a");
        for round in 0..3 {
            let leader = leader(&servers).await;
            let awake = (leader + 1) % 3;
            // Both connected to servers that stay awake.
            writer.store = store_at(&servers.url_of(awake), options()).await;
            let reader = store_at(&servers.url_of((leader + 2) % 3), options()).await;
            writer.append(1).await;
            servers.pause(leader);
            writer.append(2).await;
            let (expected, stream) = (Version::new(writer.stored.len() as u64), writer.stream.clone());
            let reads = TOKIO.spawn(async move {
                let mut answered = 0;
                while answered < 20 {
                    match reader.heads(&[head_of(&stream)]).await {
                        Ok(heads) => {
                            assert_eq!(heads[0].version, expected, "round {round}");
                            answered += 1;
                        }
                        Err(error) => assert!(error.is_transient(), "{error:?}"),
                    }
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            });
            servers.resume(leader);
            reads.await.unwrap();
            tokio::time::sleep(Duration::from_secs(2)).await;
        }
        writer.check().await;
    });
}

/// Who leads the stream.
async fn leader(servers: &Servers) -> usize {
    let client = async_nats::connect(servers.url_of(0)).await.unwrap();
    loop {
        if let Ok(answer) = client.request("$JS.API.STREAM.INFO.asynx", "".into()).await {
            let answer: serde_json::Value = serde_json::from_slice(&answer.payload).unwrap();
            let leader = answer["cluster"]["leader"]
                .as_str()
                .and_then(|name| name.strip_prefix('n')?.parse().ok());
            if let Some(leader) = leader {
                return leader;
            }
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

fn head_of(stream: &StreamId) -> asynx_core::store::HeadQuery {
    asynx_core::store::HeadQuery {
        stream: stream.clone(),
        event_id: None,
    }
}
