//! The first event of an aggregate is stored without a question before it, and only where it is the first.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod server;

use std::time::Duration;

use asynx_core::store::AppendError;
use asynx_core::{Store as _, StreamId, Version};
use asynx_store_jetstream::JetStreamOptions;
use asynx_testkit::samples;
use futures::StreamExt as _;
use server::{Opens as _, Servers, TOKIO};

/// Long enough for a question that was sent before to be told of.
const WHILE: Duration = Duration::from_millis(200);

fn stream(id: &str) -> StreamId {
    StreamId::parse("first", id).unwrap()
}

#[test]
fn nothing_is_asked_before_first_events_are_stored() {
    TOKIO.block_on(async {
        let servers = Servers::start(1, "");
        let store = servers.store(JetStreamOptions::new()).await;
        let client = async_nats::connect(servers.url()).await.unwrap();
        let mut asked = client.subscribe("$JS.API.>").await.unwrap();
        client.flush().await.unwrap();
        store.append(&stream("alone"), samples::event(1)).await.unwrap();
        let groups = ["a", "b", "c"].map(|id| samples::group(&stream(id), 1, 2));
        for outcome in store.append_batch(&groups).await {
            assert!(outcome.stopped.is_none() && outcome.applied.len() == 2, "{outcome:?}");
        }
        let question = tokio::time::timeout(WHILE, asked.next()).await;
        assert!(question.is_err(), "{question:?}");
        // What can be heard here is heard.
        store.read_from(&stream("alone"), Version::FIRST).await.unwrap();
        assert!(tokio::time::timeout(WHILE, asked.next()).await.is_ok());
    });
}

#[test]
fn a_first_event_where_there_is_one_is_a_conflict_also_unseen() {
    TOKIO.block_on(async {
        let servers = Servers::start(1, "");
        let (store, other) = (
            servers.store(JetStreamOptions::new()).await,
            servers.store(JetStreamOptions::new()).await,
        );
        let stream = stream("taken");
        store.append(&stream, samples::event(1)).await.unwrap();
        let refused = other.append(&stream, samples::event(1)).await;
        assert!(matches!(refused, Err(AppendError::Conflict)), "{refused:?}");
        // Where the stream was deleted it may begin again, behind the mark that this left.
        store.delete(&stream).await.unwrap();
        let another = servers.store(JetStreamOptions::new()).await;
        another.append(&stream, samples::event(1)).await.unwrap();
        assert_eq!(other.count(&stream, Version::FIRST).await.unwrap(), 1);
    });
}
