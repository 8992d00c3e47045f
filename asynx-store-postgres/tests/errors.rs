//! What goes wrong outside of asynx is told clearly: what it is, whether it may go away, whether the write happened.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod server;

use std::time::Duration;

use asynx_core::store::{AppendError, GroupOutcome, Snapshot};
use asynx_core::{SchemaVersion, Store, StoreError, Version};
use asynx_store_postgres::{Migrate, PostgresOptions, PostgresStore};
use asynx_testkit::samples;
use server::{Cluster, Made, Schema, blocked_by, connect, connect_to, order, run, soon, url_of};

/// Opening fails, within the time of a test and however long one may wait for a connection.
async fn refused(url: &str, options: PostgresOptions) -> StoreError {
    let patient = options.with_acquire_timeout(Duration::from_secs(120));
    soon(PostgresStore::connect_with(url, patient)).await.unwrap_err()
}

/// What is told: the message, and whether it may go away.
#[track_caller]
fn says(error: &StoreError, transient: bool, parts: &[&str]) {
    let message = error.to_string();
    assert_eq!(error.is_transient(), transient, "{message}");
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in: {message}");
    }
    assert!(
        !message.ends_with('.') && !message.contains("asynx_secret"),
        "{message}"
    );
}

#[track_caller]
fn not_applied(outcome: &GroupOutcome) -> &StoreError {
    match &outcome.stopped {
        Some(AppendError::NotApplied(error)) if outcome.applied.is_empty() => error,
        _ => panic!("{outcome:?}"),
    }
}

#[track_caller]
fn unknown(outcome: &GroupOutcome) -> &StoreError {
    match &outcome.stopped {
        Some(AppendError::Unknown(error)) if outcome.applied.is_empty() => error,
        _ => panic!("{outcome:?}"),
    }
}

async fn append(store: &PostgresStore, id: &str, from: u64, count: u64) -> GroupOutcome {
    let group = samples::group(&order(id), from, count);
    soon(store.append_batch(&[group])).await.remove(0)
}

async fn stored(store: &PostgresStore, id: &str) -> u64 {
    soon(store.count(&order(id), Version::FIRST)).await.unwrap()
}

#[tokio::test]
async fn urls_that_are_none() {
    for url in [
        "",
        "orders",
        "postgres://[",
        "postgres://me:asynx_secret@[",
        "postgres://me:asynx_secret@localhost:port/orders",
        "postgres://me:asynx_secret@localhost/orders?sslmode=perhaps",
    ] {
        let error = refused(url, PostgresOptions::new()).await;
        says(&error, false, &["the URL of PostgreSQL is wrong"]);
    }
}

#[tokio::test]
async fn a_server_that_is_not_there() {
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let error = refused(
        &format!("postgres://me:asynx_secret@127.0.0.1:{port}/orders"),
        PostgresOptions::new(),
    )
    .await;
    says(&error, true, &["the connection to PostgreSQL failed", "refused"]);
    let error = refused(
        "postgres://me:asynx_secret@no-such-host.invalid/orders",
        PostgresOptions::new(),
    )
    .await;
    says(&error, true, &["the connection to PostgreSQL failed"]);
}

#[tokio::test]
async fn a_server_that_is_silent() {
    let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("postgres://me@{}/orders", silent.local_addr().unwrap());
    let options = PostgresOptions::new().with_acquire_timeout(Duration::from_millis(300));
    let error = soon(PostgresStore::connect_with(&url, options)).await.unwrap_err();
    says(
        &error,
        true,
        &["the connection to PostgreSQL failed", "no answer within 300ms"],
    );
}

#[tokio::test]
async fn a_database_that_is_not_there() {
    let error = refused(&url_of(None, Some("asynx_test_none")), PostgresOptions::new()).await;
    says(&error, false, &["asynx_test_none", "create the database first"]);
}

#[tokio::test]
async fn a_role_that_may_not_log_in() {
    let role = Made::role("nologin").await;
    let error = refused(&role.url(), PostgresOptions::new()).await;
    says(
        &error,
        false,
        &["PostgreSQL refused the role or its password", &role.name],
    );
}

#[tokio::test]
async fn a_wrong_password() {
    let cluster = Cluster::start();
    let mut postgres = connect_to(&cluster.url()).await;
    run(&mut postgres, "create role app login password 'right'").await;
    cluster.ask_for_the_password_of("app");
    let right = cluster.url_of("app:right", "postgres");
    let error = loop {
        // A reload takes a moment.
        let error = refused(&cluster.url_of("app:asynx_secret", "postgres"), PostgresOptions::new()).await;
        if !error.to_string().contains("privilege") {
            break error;
        }
    };
    says(&error, false, &["PostgreSQL refused the role or its password", "app"]);
    run(&mut postgres, "grant create on database postgres to app").await;
    soon(PostgresStore::connect(&right)).await.unwrap();
}

#[tokio::test]
async fn too_many_connections() {
    let role = Made::role("login connection limit 1").await;
    let _taken = connect_to(&role.url()).await;
    let error = refused(&role.url(), PostgresOptions::new()).await;
    says(
        &error,
        true,
        &["PostgreSQL is short of resources", "too many connections"],
    );
}

#[tokio::test]
async fn encodings_other_than_utf8() {
    for encoding in ["SQL_ASCII", "LATIN1"] {
        let database = Made::database(&format!("encoding '{encoding}' locale 'C' template template0")).await;
        let error = refused(&database.url(), PostgresOptions::new()).await;
        says(&error, false, &[encoding, "asynx needs UTF8", "create database"]);
    }
}

#[tokio::test]
async fn privileges_that_are_missing() {
    let schema = Schema::new();
    let role = Made::role("login").await;
    let as_role = async || soon(PostgresStore::connect_with(&role.url(), schema.options())).await;

    let error = as_role().await.unwrap_err();
    says(
        &error,
        false,
        &["the role lacks a privilege", "permission denied for database"],
    );

    let admin = schema.store().await;
    assert!(append(&admin, "a", 1, 2).await.stopped.is_none());
    let error = as_role().await.unwrap_err();
    says(
        &error,
        false,
        &["the role lacks a privilege", "permission denied for schema"],
    );

    let may = |what: &str| format!("grant {what} to {}", role.name);
    schema.run(&may("usage on schema {schema}")).await;
    let error = as_role().await.unwrap_err();
    says(
        &error,
        false,
        &["the role lacks a privilege", "permission denied for table"],
    );

    schema.run(&may("select on all tables in schema {schema}")).await;
    let store = as_role().await.unwrap();
    assert_eq!(stored(&store, "a").await, 2);
    for count in [1, 2] {
        let outcome = append(&store, "a", 3, count).await;
        let error = not_applied(&outcome);
        says(
            error,
            false,
            &["the role lacks a privilege", "permission denied for table", "grant"],
        );
    }
    assert_eq!(stored(&store, "a").await, 2, "nothing was stored");
}

#[tokio::test]
async fn tables_that_were_taken_away() {
    let schema = Schema::new();
    let store = schema.store().await;
    assert!(append(&store, "a", 1, 1).await.stopped.is_none());
    schema.run("drop table {events} cascade").await;
    for count in [1, 2] {
        let outcome = append(&store, "a", 2, count).await;
        says(
            not_applied(&outcome),
            false,
            &["the tables of asynx are not there", "t\"_events"],
        );
    }
    let error = store.read_from(&order("a"), Version::FIRST).await.unwrap_err();
    says(&error, false, &["the tables of asynx are not there"]);
}

#[tokio::test]
async fn columns_that_were_changed() {
    let schema = Schema::new();
    let store = schema.store().await;
    schema.run("alter table {events} rename column record to bytes").await;
    for count in [1, 2] {
        let outcome = append(&store, "a", 1, count).await;
        says(not_applied(&outcome), false, &["not as they should be", "check_schema"]);
    }
}

#[tokio::test]
async fn readers_that_are_all_busy() {
    let schema = Schema::new();
    let options = schema
        .options()
        .with_readers(1)
        .with_acquire_timeout(Duration::from_millis(300));
    let store = schema.store_with(options).await;
    let snapshots = store.snapshots().unwrap();
    let mut other = connect().await;
    run(&mut other, &schema.fill("begin; lock table {snapshots}")).await;
    let stream = order("a");
    let first = snapshots.get(&stream, SchemaVersion::FIRST);
    let then = async {
        blocked_by(&mut other).await;
        let error = soon(snapshots.get(&order("a"), SchemaVersion::FIRST))
            .await
            .unwrap_err();
        says(&error, true, &["no connection to PostgreSQL was free", "readers"]);
        let outcome = append(&store, "a", 1, 1).await;
        assert!(outcome.stopped.is_none(), "readers do not hinder appends: {outcome:?}");
        run(&mut other, "rollback").await;
    };
    let (first, ()) = tokio::join!(soon(first), then);
    first.unwrap();
    snapshots.get(&order("a"), SchemaVersion::FIRST).await.unwrap();
}

#[tokio::test]
async fn a_statement_that_takes_too_long_is_not_applied() {
    let schema = Schema::new();
    let options = schema.options().with_statement_timeout(Duration::from_millis(300));
    let store = schema.store_with(options).await;
    assert!(append(&store, "a", 1, 1).await.stopped.is_none());
    let mut other = connect().await;
    for (from, count) in [(2, 1), (2, 2)] {
        run(&mut other, &schema.fill("begin; select from {heads} for update")).await;
        let outcome = append(&store, "a", from, count).await;
        says(
            not_applied(&outcome),
            true,
            &["PostgreSQL took too long", "statement timeout"],
        );
        run(&mut other, "rollback").await;
        assert_eq!(stored(&store, "a").await, 1);
    }
    for (from, count) in [(2, 1), (3, 2)] {
        let outcome = append(&store, "a", from, count).await;
        assert!(outcome.stopped.is_none(), "{outcome:?}");
    }
}

#[tokio::test]
async fn a_backend_that_is_ended_leaves_the_outcome_unknown() {
    let schema = Schema::new();
    let store = schema.store().await;
    assert!(append(&store, "a", 1, 1).await.stopped.is_none());
    let mut other = connect().await;
    for (from, count) in [(2, 1), (2, 2)] {
        run(&mut other, &schema.fill("begin; select from {heads} for update")).await;
        let ending = async {
            let pid = blocked_by(&mut other).await;
            let end = sqlx::query("select pg_terminate_backend($1)").bind(pid);
            end.execute(&mut other).await.unwrap();
        };
        let (outcome, ()) = tokio::join!(append(&store, "a", from, count), ending);
        says(unknown(&outcome), true, &["PostgreSQL ended the connection"]);
        run(&mut other, "rollback").await;
    }
    assert_eq!(stored(&store, "a").await, 1);
    assert!(append(&store, "a", 2, 2).await.stopped.is_none(), "the store goes on");
}

#[tokio::test]
async fn a_store_that_was_closed() {
    let schema = Schema::new();
    let store = schema.store().await;
    // Somebody follows the log, which has a connection of its own.
    let changed = store.log().unwrap().changed(None);
    assert!(append(&store, "a", 1, 1).await.stopped.is_none());
    soon(changed).await;
    soon(store.close()).await;
    says(
        not_applied(&append(&store, "a", 2, 1).await),
        false,
        &["the store was closed"],
    );
    let error = store.read_from(&order("a"), Version::FIRST).await.unwrap_err();
    says(&error, false, &["the store was closed"]);
    let snapshot = Snapshot {
        version: Version::FIRST,
        schema_version: SchemaVersion::FIRST,
        document: "1".into(),
    };
    let error = store.snapshots().unwrap().put(&order("a"), snapshot).await.unwrap_err();
    says(&error, false, &["the store was closed"]);
}

#[tokio::test]
async fn tables_by_hand_that_are_not_there() {
    let schema = Schema::new();
    let error = refused(&server::url(), schema.options().with_migrate(Migrate::ByHand)).await;
    says(&error, false, &["are not there", "Migrate::AtOpen", "print_schema"]);
}
