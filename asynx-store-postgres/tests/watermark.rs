//! Who holds readers of the log back is named, and what does not hold them back is not.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod server;

use std::time::Duration;

use asynx_core::Store;
use asynx_core::store::LogFilter;
use asynx_store_postgres::{PostgresOptions, PostgresStore, Watermark};
use asynx_testkit::samples;
use server::{Cluster, connect_to, log_now, order, run, soon};
use tokio::time::sleep;

async fn append(store: &PostgresStore, id: &str) -> asynx_core::Position {
    store.append(&order(id), samples::event(1)).await.unwrap().unwrap()
}

/// Once nobody holds readers back: followers are told of an append in a transaction of its own, behind it.
async fn unblocked(store: &PostgresStore) -> Watermark {
    soon(async {
        loop {
            let watermark = store.watermark().await.unwrap();
            match &watermark.blocker {
                None => return watermark,
                Some(blocker) => assert_eq!(blocker.application_name, "asynx", "{blocker:?}"),
            }
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await
}

/// A cluster of its own: whatever else runs on a server would be named.
#[tokio::test]
async fn blockers_are_named() {
    let cluster = Cluster::start();
    cluster.configure("wal_level = logical\nautovacuum = off");
    cluster.stop("fast");
    cluster.go_on();
    let mut other = connect_to(&cluster.url()).await;
    run(&mut other, "create database elsewhere").await;
    run(&mut other, "create table t (n int)").await;
    let store = PostgresStore::connect(&cluster.url()).await.unwrap();

    // Nobody.
    let first = append(&store, "a").await;
    let watermark = unblocked(&store).await;
    assert_eq!(watermark.age(), Duration::ZERO);
    assert!(watermark.position > first);

    // Who only reads, and what keeps old rows for a copy, do not hold readers of the log back.
    let mut reading = connect_to(&cluster.url()).await;
    run(&mut reading, "begin isolation level repeatable read; select * from t").await;
    run(
        &mut other,
        "select pg_create_logical_replication_slot('slot', 'pgoutput')",
    )
    .await;
    run(&mut other, "select pg_create_physical_replication_slot('copy', true)").await;
    let second = append(&store, "b").await;
    let watermark = unblocked(&store).await;
    assert!(watermark.position > second);
    assert_eq!(log_now(&store, LogFilter::default()).await.len(), 2);
    run(&mut reading, "commit").await;

    // A session that has written, in another database too.
    for (database, state) in [
        ("postgres", "idle in transaction"),
        ("elsewhere", "idle in transaction"),
    ] {
        let url = format!(
            "{}?application_name=nightly%20import",
            cluster.url_of("postgres", database)
        );
        let mut writing = connect_to(&url).await;
        run(&mut writing, "create table if not exists t (n int)").await;
        run(&mut writing, "begin; insert into t values (1)").await;
        let pid: i32 = sqlx::query_scalar("select pg_backend_pid()")
            .fetch_one(&mut writing)
            .await
            .unwrap();
        sleep(Duration::from_millis(300)).await;
        let held = append(&store, database).await;
        let watermark = store.watermark().await.unwrap();
        let blocker = watermark.blocker.clone().unwrap();
        assert_eq!((blocker.pid, blocker.prepared.as_deref()), (Some(pid), None));
        assert_eq!(blocker.database.as_deref(), Some(database));
        assert_eq!(blocker.role.as_deref(), Some("postgres"));
        assert_eq!(blocker.application_name, "nightly import");
        assert_eq!(blocker.state.as_deref(), Some(state));
        assert!(
            (300..20_000).contains(&watermark.age().as_millis()),
            "{:?}",
            watermark.age()
        );
        let said = blocker.to_string();
        let begins =
            format!("session {pid} of \"nightly import\" in database \"{database}\" by role \"postgres\", idle in");
        assert!(said.starts_with(&begins), "{said}");
        assert!(watermark.position < held);
        run(&mut writing, "commit").await;
        assert!(unblocked(&store).await.position > held);
    }

    // A transaction that was prepared and forgotten has no session.
    run(
        &mut other,
        "begin; insert into t values (1); prepare transaction 'it''s \"left\"'",
    )
    .await;
    let held = append(&store, "c").await;
    let watermark = store.watermark().await.unwrap();
    let blocker = watermark.blocker.unwrap();
    assert_eq!(
        (blocker.pid, blocker.prepared.as_deref()),
        (None, Some("it's \"left\""))
    );
    assert!(blocker.age.is_some() && blocker.state.as_deref() == Some("prepared"));
    assert!(watermark.position < held);
    run(&mut other, "rollback prepared 'it''s \"left\"'").await;
    assert!(store.watermark().await.unwrap().position > held);

    // A role with few privileges sees who, not since when.
    run(&mut other, "create role app login; grant usage on schema asynx to app").await;
    run(&mut other, "grant select on all tables in schema asynx to app").await;
    let app = PostgresStore::connect_with(&cluster.url_of("app", "postgres"), PostgresOptions::new())
        .await
        .unwrap();
    run(&mut other, "begin; insert into t values (1)").await;
    let blocker = app.watermark().await.unwrap().blocker.unwrap();
    assert!(
        blocker.pid.is_some() && blocker.age.is_none() && blocker.state.is_none(),
        "{blocker:?}"
    );
    run(&mut reading, "grant pg_read_all_stats to app").await;
    let blocker = app.watermark().await.unwrap().blocker.unwrap();
    assert!(blocker.pid.is_some() && blocker.age.is_some(), "{blocker:?}");
    run(&mut other, "rollback").await;
}
