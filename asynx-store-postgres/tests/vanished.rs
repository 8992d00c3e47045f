//! Streams that are deleted while others append to them.
#![expect(clippy::disallowed_methods, reason = "the test spawns where it stands")]

mod server;

use asynx_core::store::{AppendError, AppendGroup, Head, HeadQuery};
use asynx_core::{Category, Store, Version};
use asynx_testkit::samples;
use server::{Schema, blocked_by, connect, order, run, soon};

/// An append that follows on a head which goes away under it is a conflict, and leaves nothing behind.
#[tokio::test]
async fn an_append_to_a_stream_that_vanishes_leaves_nothing() {
    for (count, tombstone) in [(1, false), (2, false), (1, true), (2, true)] {
        let schema = Schema::new();
        let store = schema.store().await;
        let stream = order("a");
        assert!(
            store.append_batch(&[samples::group(&stream, 1, 3)]).await[0]
                .stopped
                .is_none()
        );
        let mut deleting = connect().await;
        run(
            &mut deleting,
            &schema.fill("begin; delete from {heads}; delete from {events}"),
        )
        .await;
        let appending = {
            let (store, stream) = (store.clone(), stream.clone());
            let mut events: Vec<_> = (4..4 + count).map(samples::event).collect();
            if tombstone {
                events[0] = samples::tombstone(4);
            }
            tokio::spawn(async move { store.append_batch(&[AppendGroup { stream, events }]).await.remove(0) })
        };
        blocked_by(&mut deleting).await;
        run(&mut deleting, "commit").await;
        let outcome = soon(appending).await.unwrap();
        assert!(matches!(outcome.stopped, Some(AppendError::Conflict)), "{outcome:?}");

        let query = HeadQuery {
            stream: stream.clone(),
            event_id: None,
        };
        assert_eq!(
            store.heads(std::slice::from_ref(&query)).await.unwrap(),
            [Head::default()]
        );
        assert_eq!(store.count(&stream, Version::FIRST).await.unwrap(), 0);
        let category = Category::parse("order").unwrap();
        assert_eq!(store.erase().unwrap().pending(&category).await.unwrap(), []);
        // A new stream of that name begins, and lives.
        assert!(
            store.append_batch(&[samples::group(&stream, 1, 2)]).await[0]
                .stopped
                .is_none()
        );
        let head = store.heads(&[query]).await.unwrap().remove(0);
        assert_eq!(head.living(), Version::new(2), "{head:?}");
        assert_eq!(head.floor, None);
    }
}
