//! T1-T3: what a reader of the log writes together with its checkpoint.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod common;

use std::time::Duration;

use asynx_core::store::{AppendError, Checkpoint, ParkedEvent, Transactions};
use asynx_core::{Position, Store, Timestamp, Version};
use asynx_store_sqlite::{SqliteOptions, SqliteStore, SqliteTransaction};
use asynx_testkit::samples;
use common::{Folder, log, open, shell, stream};
use sqlx::{Connection, Executor, Row};

const fn at(number: u64) -> Option<Position> {
    Some(Position::new([0, 0, number]))
}

async fn run(transaction: &mut SqliteTransaction, sql: &'static str) -> Result<(), sqlx::Error> {
    transaction.connection().unwrap().execute(sql).await.map(drop)
}

async fn count(store: &SqliteStore) -> i64 {
    let mut transaction = store.begin().await.unwrap();
    let row = transaction
        .connection()
        .unwrap()
        .fetch_one("SELECT count(*) FROM orders_seen")
        .await;
    row.unwrap().get(0)
}

/// A store with a table of the reader's, and the reader claimed.
async fn prepared(folder: &Folder) -> SqliteStore {
    let store = open(folder).await;
    let mut transaction = store.begin().await.unwrap();
    run(
        &mut transaction,
        "CREATE TABLE orders_seen (id TEXT PRIMARY KEY) STRICT",
    )
    .await
    .unwrap();
    store.commit(transaction).await.unwrap();
    let claimed = store.checkpoints().unwrap().claim("orders").await.unwrap();
    assert_eq!((claimed.position, claimed.fence), (None, 1));
    store
}

fn parked(position: u64) -> ParkedEvent {
    ParkedEvent {
        position: Position::new([0, 0, position]),
        stream: stream("a"),
        version: Version::FIRST,
        event_id: samples::event(1).event_id,
        event_name: samples::event(1).event_name,
        error: "it's \"bad\"".to_owned(),
        attempts: 3,
        parked_at: Timestamp::from_micros(7),
    }
}

#[tokio::test]
async fn both_or_neither() {
    let folder = Folder::new();
    let store = prepared(&folder).await;
    let aside = parked(1);
    let mut dropped = store.begin().await.unwrap();
    run(&mut dropped, "INSERT INTO orders_seen VALUES ('a')").await.unwrap();
    assert!(store.move_in(&mut dropped, "orders", None, at(1), 1).await.unwrap());
    store.park_in(&mut dropped, "orders", &aside).await.unwrap();
    drop(dropped);
    let checkpoint = |position| Some(Checkpoint { position, fence: 1 });
    let checkpoints = store.checkpoints().unwrap();
    assert_eq!(checkpoints.get("orders").await.unwrap(), checkpoint(None));
    assert_eq!(count(&store).await, 0);
    let parking = store.parking().unwrap();
    assert!(parking.parked("orders", None, 10).await.unwrap().is_empty());

    let mut kept = store.begin().await.unwrap();
    run(&mut kept, "INSERT INTO orders_seen VALUES ('a')").await.unwrap();
    assert!(store.move_in(&mut kept, "orders", None, at(1), 1).await.unwrap());
    store.park_in(&mut kept, "orders", &aside).await.unwrap();
    store.commit(kept).await.unwrap();
    assert_eq!(checkpoints.get("orders").await.unwrap(), checkpoint(at(1)));
    assert_eq!(count(&store).await, 1);
    assert_eq!(parking.parked("orders", None, 10).await.unwrap(), [aside]);
}

#[tokio::test]
async fn a_reader_moves_only_from_where_it_is_and_with_its_fence() {
    let folder = Folder::new();
    let store = prepared(&folder).await;
    for (from, fence) in [(at(1), 1), (None, 0), (None, 2), (None, u64::MAX)] {
        let mut transaction = store.begin().await.unwrap();
        let moved = store.move_in(&mut transaction, "orders", from, at(2), fence).await;
        assert!(!moved.unwrap(), "moved from {from:?} with fence {fence}");
    }
    let mut transaction = store.begin().await.unwrap();
    assert!(store.move_in(&mut transaction, "orders", None, at(1), 1).await.unwrap());
    assert!(!store.move_in(&mut transaction, "orders", None, at(2), 1).await.unwrap());
    assert!(
        store
            .move_in(&mut transaction, "orders", at(1), at(2), 1)
            .await
            .unwrap()
    );
    assert!(
        !store
            .unpark_in(&mut transaction, "orders", at(2).unwrap())
            .await
            .unwrap()
    );
    store.commit(transaction).await.unwrap();
    let found = store.checkpoints().unwrap().get("orders").await.unwrap();
    assert_eq!(found.unwrap().position, at(2));
}

/// A statement that rolls the transaction back, whose error nobody looked at: nothing may be kept of it.
#[tokio::test]
async fn a_transaction_that_was_ended_within_keeps_nothing() {
    let folder = Folder::new();
    let store = prepared(&folder).await;
    for ending in [
        "INSERT OR ROLLBACK INTO orders_seen VALUES ('a'), ('a')",
        "ROLLBACK",
        "COMMIT",
        "COMMIT; BEGIN",
    ] {
        let mut transaction = store.begin().await.unwrap();
        let _ = run(&mut transaction, ending).await;
        let moved = store.move_in(&mut transaction, "orders", None, at(1), 1).await;
        assert_eq!(
            moved.unwrap_err().to_string(),
            "the transaction was ended by one of its statements, so nothing of it is kept"
        );
        assert!(transaction.connection().is_err());
        assert!(store.park_in(&mut transaction, "orders", &parked(1)).await.is_err());
        assert!(store.commit(transaction).await.is_err());
        let mut transaction = store.begin().await.unwrap();
        let _ = run(&mut transaction, ending).await;
        assert!(store.commit(transaction).await.is_err(), "after {ending}");
    }
    let found = store.checkpoints().unwrap().get("orders").await.unwrap();
    assert_eq!(found.unwrap().position, None);
    assert!(
        store
            .parking()
            .unwrap()
            .parked("orders", None, 1)
            .await
            .unwrap()
            .is_empty()
    );
    store.append(&stream("a"), samples::event(1)).await.unwrap();
}

/// An error of a statement that leaves the transaction open may be passed over.
#[tokio::test]
async fn a_statement_that_fails_alone_does_no_harm() {
    let folder = Folder::new();
    let store = prepared(&folder).await;
    let mut transaction = store.begin().await.unwrap();
    run(&mut transaction, "INSERT INTO orders_seen VALUES ('a')")
        .await
        .unwrap();
    assert!(
        run(&mut transaction, "INSERT INTO orders_seen VALUES ('a')")
            .await
            .is_err()
    );
    assert!(store.move_in(&mut transaction, "orders", None, at(1), 1).await.unwrap());
    store.commit(transaction).await.unwrap();
    assert_eq!(count(&store).await, 1);
}

/// Who appends while it holds a transaction waits for itself; it is told so, and that nothing was stored.
#[tokio::test]
async fn an_append_beside_an_open_transaction_is_answered() {
    let folder = Folder::new();
    let options = SqliteOptions::new().with_busy_timeout(Duration::from_millis(100));
    let store = SqliteStore::open_with(folder.file(), options).await.unwrap();
    let transaction = store.begin().await.unwrap();
    match store.append(&stream("a"), samples::event(1)).await {
        Err(AppendError::NotApplied(error)) => {
            assert!(error.is_transient());
            let end = "has the connection to";
            assert!(error.to_string().contains(end), "{error}");
        }
        other => panic!("{other:?}"),
    }
    drop(transaction);
    store.append(&stream("a"), samples::event(1)).await.unwrap();
    assert_eq!(log(&store, None, 10).await.len(), 1);
}

#[tokio::test]
async fn what_was_committed_is_there_for_other_programs() {
    let folder = Folder::new();
    let store = prepared(&folder).await;
    let mut transaction = store.begin().await.unwrap();
    run(&mut transaction, "INSERT INTO orders_seen VALUES ('a')")
        .await
        .unwrap();
    store.commit(transaction).await.unwrap();
    let mut shell = shell(&folder).await;
    let seen = sqlx::query("SELECT id FROM orders_seen").fetch_one(&mut shell).await;
    assert_eq!(seen.unwrap().get::<String, _>(0), "a");
    shell.close().await.unwrap();
}
