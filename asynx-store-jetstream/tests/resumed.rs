//! Erasures and deletes that end in the middle are found pending and finished by doing them again.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod server;

use std::time::Duration;

use asynx_core::store::{ForgetPolicy, LogEvent, LogFilter, LogQuery};
use asynx_core::{Store as _, StreamId, Version};
use asynx_store_jetstream::{JetStreamOptions, JetStreamStore};
use asynx_testkit::samples;
use futures::poll;
use server::{Opens as _, Servers, TOKIO};

const LAST: u64 = 9;

async fn logged(store: &JetStreamStore, stream: &StreamId) -> Vec<LogEvent> {
    let query = LogQuery {
        after: None,
        filter: LogFilter {
            streams: vec![stream.clone()],
            ..LogFilter::default()
        },
        max_events: 1_000,
        max_bytes: usize::MAX,
    };
    store.log().unwrap().read(&query).await.unwrap().events
}

/// Polls a call so often, with time for an answer in between, and drops it. Whether it was over by then.
async fn cut(call: impl Future<Output = ()>, polls: u64) -> bool {
    let mut call = Box::pin(call);
    for _ in 0..polls {
        if poll!(&mut call).is_ready() {
            return true;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    false
}

#[test]
fn an_erasure_that_was_cut_off_is_pending_until_it_is_done_again() {
    TOKIO.block_on(async {
        let servers = Servers::start(1, "");
        let store = servers.store(JetStreamOptions::new()).await;
        let (mut cut_off, mut finished) = (0, 0);
        for step in 0..60 {
            let policy = [ForgetPolicy::KeepRows, ForgetPolicy::EraseAll][step as usize % 2];
            let stream = StreamId::parse(&format!("cut-{step}"), "a").unwrap();
            store.append_batch(&[samples::group(&stream, 1, LAST - 1)]).await;
            store.append(&stream, samples::tombstone(LAST)).await.unwrap();
            let (erase, through) = (store.erase().unwrap(), Version::new(LAST).unwrap());
            let erasing = async { erase.erase_through(&stream, through, policy).await.unwrap() };
            let done = cut(erasing, step).await;
            // What was sent may still arrive.
            tokio::time::sleep(Duration::from_millis(20)).await;
            let pending = erase.pending(&stream.category).await.unwrap();
            match done {
                true => finished += 1,
                false => cut_off += 1,
            }
            assert!(!done || pending.is_empty(), "{pending:?}");
            // Until it is done nothing is missing in the log but records.
            let kept = logged(&store, &stream).await;
            if policy == ForgetPolicy::KeepRows {
                assert_eq!(kept.len() as u64, LAST, "at step {step}");
            }
            erase.erase_through(&stream, through, policy).await.unwrap();
            assert!(erase.pending(&stream.category).await.unwrap().is_empty());
            let left = logged(&store, &stream).await;
            assert!(left.iter().all(|event| event.record.is_none()), "at step {step}");
            let expected = if policy == ForgetPolicy::KeepRows { LAST } else { 1 };
            assert_eq!(left.len() as u64, expected, "at step {step}");
            assert!(left.last().unwrap().event_name.is_tombstone());
            store.append(&stream, samples::event(LAST + 1)).await.unwrap();
        }
        assert!(
            cut_off > 5 && finished > 0,
            "{cut_off} were cut off, {finished} were not"
        );
    });
}

#[test]
fn a_delete_that_was_cut_off_leaves_all_or_nothing_to_read() {
    TOKIO.block_on(async {
        let servers = Servers::start(1, "");
        let store = servers.store(JetStreamOptions::new()).await;
        let mut cut_off = 0;
        for step in 0..20 {
            let stream = StreamId::parse("cut", &format!("{step}")).unwrap();
            store.append_batch(&[samples::group(&stream, 1, 10)]).await;
            let deleting = async { store.delete(&stream).await.unwrap() };
            cut_off += usize::from(!cut(deleting, step).await);
            tokio::time::sleep(Duration::from_millis(20)).await;
            let left = store.read_from(&stream, Version::FIRST).await.unwrap().len();
            assert!(left == 0 || left == 10, "{left} events at step {step}");
            if left == 0 {
                // A new stream of that name begins, whatever is left of the old one.
                store.append_batch(&[samples::group(&stream, 1, 3)]).await;
                assert_eq!(store.read_from(&stream, Version::FIRST).await.unwrap().len(), 3);
            }
            store.delete(&stream).await.unwrap();
            assert!(logged(&store, &stream).await.is_empty());
        }
        assert!(cut_off > 3, "{cut_off} were cut off");
    });
}
