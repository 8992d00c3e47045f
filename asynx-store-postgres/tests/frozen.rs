//! Transactions of projections that go wrong. A process that is frozen in the middle of one keeps others back for a while,
//! and no longer.

mod server;

use std::time::Duration;

use asynx_core::store::{Checkpoints as _, Transactions as _};
use asynx_core::{Position, Store as _};
use asynx_testkit::samples;
use server::{Schema, order, soon};

#[tokio::test]
async fn a_transaction_that_does_nothing_is_ended() {
    let schema = Schema::new();
    let idle = Duration::from_millis(500);
    let options = schema.options().with_idle_transaction_timeout(idle);
    let store = schema.store_with(options).await;
    let stream = order("a");
    let claimed = store.claim("reader").await.unwrap();
    let mut frozen = store.begin().await.unwrap();
    let to = Some(Position::new([0, 0, 1]));
    assert!(
        store
            .move_in(&mut frozen, "reader", None, to, claimed.fence)
            .await
            .unwrap()
    );
    store.append(&stream, samples::event(1)).await.unwrap();

    // Both would wait for as long as it is open.
    let again = soon(store.claim("reader")).await.unwrap();
    assert_eq!((again.position, again.fence), (None, claimed.fence + 1));
    let log = store.log().unwrap();
    soon(async {
        while log.end().await.unwrap().is_none() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    let late = store.commit(frozen).await.unwrap_err();
    assert!(late.is_transient(), "{late}");
    assert_eq!(store.get("reader").await.unwrap().unwrap().position, None);
}

/// A pause between two statements is not counted together with those before.
#[tokio::test]
async fn a_transaction_that_does_something_goes_on() {
    let schema = Schema::new();
    let idle = Duration::from_secs(2);
    let store = schema
        .store_with(schema.options().with_idle_transaction_timeout(idle))
        .await;
    let claimed = store.claim("reader").await.unwrap();
    let mut slow = store.begin().await.unwrap();
    let mut from = None;
    for number in 1..=6 {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let to = Some(Position::new([0, 0, number]));
        let moved = store.move_in(&mut slow, "reader", from, to, claimed.fence).await;
        assert!(moved.unwrap());
        from = to;
    }
    store.commit(slow).await.unwrap();
    assert_eq!(store.get("reader").await.unwrap().unwrap().position, from);
}

/// PostgreSQL answers the commit of an aborted transaction with a rollback, which its driver takes for a success.
#[tokio::test]
async fn a_transaction_with_a_failed_statement_is_not_committed() {
    let schema = Schema::new();
    let store = schema.store().await;
    let claimed = store.claim("reader").await.unwrap();
    let mut transaction = store.begin().await.unwrap();
    let to = Some(Position::new([0, 0, 1]));
    let moved = store.move_in(&mut transaction, "reader", None, to, claimed.fence).await;
    assert!(moved.unwrap());
    sqlx::query("select 1 / 0")
        .execute(&mut *transaction)
        .await
        .unwrap_err();
    let error = store.commit(transaction).await.unwrap_err();
    assert!(!error.is_transient(), "{error}");
    assert_eq!(store.get("reader").await.unwrap().unwrap().position, None);
}
