//! Leases of sole writers, with two stores on one file, which are to each other as two processes.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod common;

use asynx_core::store::{AppendError, WriterLease};
use asynx_core::{Store, Version};
use asynx_store_sqlite::SqliteStore;
use asynx_testkit::samples;
use common::{Folder, open, stream};
use futures::poll;

async fn acquire(store: &SqliteStore) -> Option<Box<dyn WriterLease>> {
    let writer = store.sole_writer().unwrap();
    writer.acquire(&stream("a").category).await.unwrap()
}

/// An append that was begun under a lease lasts as long as the lease, though its caller and the lease are dropped.
#[tokio::test(flavor = "multi_thread")]
async fn nothing_begun_under_a_lease_is_stored_after_the_next_was_given() {
    let folder = Folder::new();
    let (first, second) = (open(&folder).await, open(&folder).await);
    for round in 0..100_u64 {
        let lease = acquire(&first).await.expect("the lease is free");
        let stream = stream(round.to_string());
        let groups = [samples::group(&stream, 1, 5)];
        let mut append = Box::pin(first.append_batch(&groups));
        for _ in 0..round % 4 {
            if poll!(&mut append).is_ready() {
                break;
            }
            tokio::task::yield_now().await;
        }
        drop(append);
        drop(lease);
        let next = loop {
            match acquire(&second).await {
                Some(lease) => break lease,
                None => tokio::task::yield_now().await,
            }
        };
        let found = second.count(&stream, Version::FIRST).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_millis(round % 5)).await;
        let later = second.count(&stream, Version::FIRST).await.unwrap();
        assert_eq!(found, later, "an append came through under the next lease");
        drop(next);
    }
}

/// Somebody takes the lock file for litter: both would hold a lock, but of different files.
#[tokio::test]
async fn a_lease_that_was_taken_over_stores_nothing_more() {
    let folder = Folder::new();
    let (first, second) = (open(&folder).await, open(&folder).await);
    let lost = acquire(&first).await.unwrap();
    first.append(&stream("a"), samples::event(1)).await.unwrap();
    folder.remove_locks();
    assert!(!lost.is_held());
    // Until somebody else has it, this harms nobody.
    first.append(&stream("a"), samples::event(2)).await.unwrap();
    let taken = acquire(&second).await.unwrap();
    assert!(taken.is_held() && !lost.is_held());
    match first.append(&stream("a"), samples::event(3)).await {
        Err(AppendError::NotApplied(error)) => {
            assert_eq!(
                error.to_string(),
                "the lease of \"test\" was taken over by another process: nothing is appended under it any more"
            );
            assert!(!error.is_transient());
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(second.count(&stream("a"), Version::FIRST).await.unwrap(), 2);
    second.append(&stream("a"), samples::event(3)).await.unwrap();
    // Without a lease anybody may write: a lease keeps others from leases only.
    drop(lost);
    first.append(&stream("a"), samples::event(4)).await.unwrap();
    assert!(taken.is_held());
}

#[tokio::test]
async fn a_lost_lease_can_be_had_again_by_the_same_store() {
    let folder = Folder::new();
    let store = open(&folder).await;
    let lost = acquire(&store).await.unwrap();
    folder.remove_locks();
    let again = acquire(&store).await.expect("nobody else has it");
    assert!(again.is_held() && !lost.is_held());
    drop(lost);
    assert!(again.is_held());
    store.append(&stream("a"), samples::event(1)).await.unwrap();
    assert!(acquire(&store).await.is_none());
}

#[tokio::test]
async fn in_memory_a_lease_is_given_once() {
    let store = SqliteStore::in_memory().await.unwrap();
    let lease = acquire(&store).await.unwrap();
    assert!(lease.is_held());
    assert!(acquire(&store.clone()).await.is_none());
    drop(lease);
    assert!(acquire(&store).await.is_some());
}
