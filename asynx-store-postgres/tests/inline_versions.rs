//! Inline projections come into use, are replaced and go, while others append.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a panic fails the test, which spawns where it stands"
)]

mod server;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use asynx_core::store::{AppendError, ForgetPolicy};
use asynx_core::{Store, StoreError, StreamId, Version};
use asynx_store_postgres::{PostgresOptions, PostgresStore};
use asynx_testkit::samples;
use futures::future::join_all;
use server::{Mirror, Schema, connect, order, run, soon, url};
use sqlx::AssertSqlSafe;

async fn open(options: PostgresOptions) -> Result<PostgresStore, StoreError> {
    PostgresStore::connect_with(&url(), options).await
}

async fn refused(options: PostgresOptions) -> String {
    let error = soon(open(options)).await.unwrap_err();
    assert!(!error.is_transient(), "{error}");
    error.to_string()
}

fn version(schema: &Schema, number: u32) -> PostgresOptions {
    let table = format!("mirror{number}");
    let inline = Mirror::renamed(schema, "mirror", &table).with_version(number);
    schema.options().with_inline(Mirror::of_orders(inline))
}

/// The rows of orders that are stored, and of a mirror, in one snapshot.
async fn counts(schema: &Schema, mirror: &str) -> (i64, i64) {
    let sql = schema.fill(&format!(
        "select (select count(*) from {{events}} where category = 'order'), (select count(*) from {{schema}}.{mirror})"
    ));
    sqlx::query_as(AssertSqlSafe(sql))
        .fetch_one(&mut connect().await)
        .await
        .unwrap()
}

fn not_applied(error: AppendError) -> StoreError {
    match error {
        AppendError::NotApplied(error) => error,
        other => panic!("{other:?}"),
    }
}

/// Appends to streams of its own until it is refused for good, or told to stop. How much, and why it was refused.
async fn write(store: PostgresStore, name: String, stop: Arc<AtomicBool>) -> (u64, Option<StoreError>) {
    let mut stored = 0;
    while !stop.load(Ordering::Relaxed) {
        match store.append(&order(&name), samples::event(stored + 1)).await {
            Ok(_) => stored += 1,
            Err(error) => match not_applied(error) {
                error if error.is_transient() => {}
                error => return (stored, Some(error)),
            },
        }
    }
    (stored, None)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_is_built_while_others_append() {
    let schema = Schema::new();
    Mirror::make(&schema, "mirror1").await;
    let plain = schema.store().await;
    let (invoice, stop) = (
        StreamId::parse("invoice", "i").unwrap(),
        Arc::new(AtomicBool::new(false)),
    );
    plain.append(&invoice, samples::event(1)).await.unwrap();
    plain.append_batch(&[samples::group(&order("old"), 1, 700)]).await;
    plain.append_batch(&[samples::group(&order("gone"), 1, 3)]).await;
    plain.append(&order("gone"), samples::tombstone(4)).await.unwrap();
    let four = Version::new(4).unwrap();
    plain
        .erase()
        .unwrap()
        .erase_through(&order("gone"), four, ForgetPolicy::EraseAll)
        .await
        .unwrap();

    let options = version(&schema, 1);
    let said = refused(options.clone()).await;
    assert!(
        said.contains("has not been built") && said.contains("call build_inline"),
        "{said}"
    );

    let mut writers = Vec::new();
    for number in 0..4 {
        let store = schema.store().await;
        writers.push(tokio::spawn(write(store, format!("w{number}"), stop.clone())));
    }
    tokio::time::sleep(std::time::Duration::from_millis(300)).await;
    soon(PostgresStore::build_inline(&url(), &options)).await.unwrap();
    let mut stored = 0;
    for written in soon(join_all(writers)).await {
        let (own, error) = written.unwrap();
        let said = error.unwrap().to_string();
        assert!(
            said.contains("appends of order go by version 1 of the inline projection \"mirror\""),
            "{said}"
        );
        stored += own;
    }
    println!("{stored} events were stored meanwhile");
    assert!(stored > 20, "{stored}");
    // All but the tombstone, whose life is not there any more.
    let (events, rows) = counts(&schema, "mirror1").await;
    assert_eq!((events - 1, rows), (rows, 700 + i64::try_from(stored).unwrap()));

    // Who was running goes on elsewhere, and erases nothing there either.
    let first = plain.append(&invoice, samples::event(2)).await.unwrap_err();
    assert!(not_applied(first).is_transient(), "a command would not be run again");
    plain.append(&invoice, samples::event(2)).await.unwrap();
    let again = plain
        .erase()
        .unwrap()
        .erase_through(&order("gone"), four, ForgetPolicy::KeepRows)
        .await;
    assert!(again.unwrap_err().to_string().contains("go by version 1"));

    // Building again does nothing. From now on it is there for who has it.
    PostgresStore::build_inline(&url(), &options).await.unwrap();
    let store = open(options).await.unwrap();
    store.append(&order("new"), samples::event(1)).await.unwrap();
    assert_eq!(counts(&schema, "mirror1").await, (events + 1, rows + 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_have_it_is_told_and_may_go_without() {
    let schema = Schema::new();
    Mirror::make(&schema, "mirror1").await;
    let store = open(version(&schema, 1)).await.unwrap();
    store.append(&order("a"), samples::event(1)).await.unwrap();
    let said = refused(schema.options()).await;
    for way in ["with_inline", "without_inline", "remove_inline"] {
        assert!(said.contains(way), "{said}");
    }
    let without = open(schema.options().without_inline("mirror")).await.unwrap();
    let invoice = StreamId::parse("invoice", "i").unwrap();
    let outcomes = without
        .append_batch(&[samples::group(&invoice, 1, 1), samples::group(&order("a"), 2, 1)])
        .await;
    assert!(
        outcomes[0].stopped.is_none() && outcomes[1].stopped.is_some(),
        "{outcomes:?}"
    );
    assert_eq!(counts(&schema, "mirror1").await, (1, 1));

    let other = Mirror::renamed(&schema, "mirror", "mirror1").with_categories([invoice.category.clone()]);
    let said = refused(schema.options().with_inline(other)).await;
    assert!(said.contains("built for other categories"), "{said}");
    let twice = version(&schema, 1).with_inline(Mirror::of(&schema, "mirror"));
    assert!(refused(twice).await.contains("two inline projections are called"));

    // Removed, with its table, it hinders nobody; who still has it is told.
    assert!(
        PostgresStore::remove_inline(&url(), &version(&schema, 1), "mirror")
            .await
            .unwrap()
    );
    assert!(
        !PostgresStore::remove_inline(&url(), &schema.options(), "mirror")
            .await
            .unwrap()
    );
    run(&mut connect().await, &schema.fill("create table {schema}.mirror1 ()")).await;
    let plain = open(schema.options()).await.unwrap();
    plain.append(&order("a"), samples::event(2)).await.unwrap();
    let mut last = None;
    for _ in 0..2 {
        last = Some(not_applied(
            store.append(&order("a"), samples::event(3)).await.unwrap_err(),
        ));
    }
    let said = last.unwrap().to_string();
    assert!(said.contains("it may have been removed"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_is_built_beside_and_takes_the_place() {
    let schema = Schema::new();
    Mirror::make(&schema, "mirror1").await;
    Mirror::make(&schema, "mirror2").await;
    let old = open(version(&schema, 1)).await.unwrap();
    old.append_batch(&[samples::group(&order("a"), 1, 3)]).await;
    let said = refused(version(&schema, 2)).await;
    assert!(
        said.contains("version 1 is in use") && said.contains("build_inline"),
        "{said}"
    );

    let stop = Arc::new(AtomicBool::new(false));
    let writer = tokio::spawn(write(old.clone(), "w".to_owned(), stop));
    tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    soon(PostgresStore::build_inline(&url(), &version(&schema, 2)))
        .await
        .unwrap();
    let (_, error) = soon(writer).await.unwrap();
    let said = error.unwrap().to_string();
    assert!(
        said.contains("version 2 of the inline projection \"mirror\" is in use, this process has version 1"),
        "{said}"
    );
    let (events, rows) = counts(&schema, "mirror2").await;
    assert_eq!((events, counts(&schema, "mirror1").await), (rows, (events, rows)));
    assert!(refused(version(&schema, 1)).await.contains("start a newer program"));

    let new = open(version(&schema, 2)).await.unwrap();
    new.append(&order("a"), samples::event(4)).await.unwrap();
    assert_eq!(counts(&schema, "mirror2").await, (events + 1, rows + 1));
    assert_eq!(counts(&schema, "mirror1").await, (events + 1, rows));
    let comment: Option<String> = sqlx::query_scalar("select obj_description(to_regclass($1))")
        .bind(schema.fill("{schema}.mirror2"))
        .fetch_one(&mut connect().await)
        .await
        .unwrap();
    assert_eq!(comment.as_deref(), Some("in use"), "it was not told that it is in use");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_fails_goes_on_where_it_was() {
    let schema = Schema::new();
    Mirror::make(&schema, "mirror1").await;
    let plain = schema.store().await;
    plain.append_batch(&[samples::group(&order("a"), 1, 600)]).await;
    plain.append(&order("!fail"), samples::event(1)).await.unwrap();
    let failed = PostgresStore::build_inline(&url(), &version(&schema, 1))
        .await
        .unwrap_err();
    assert!(failed.to_string().ends_with("so it is not built"), "{failed}");
    // Others append as ever; what was built is kept.
    plain.append(&order("a"), samples::event(601)).await.unwrap();
    assert_eq!(counts(&schema, "mirror1").await, (602, 500));
    plain.delete(&order("!fail")).await.unwrap();
    PostgresStore::build_inline(&url(), &version(&schema, 1)).await.unwrap();
    assert_eq!(counts(&schema, "mirror1").await, (601, 601));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_append_that_is_under_way_is_waited_for() {
    let schema = Schema::new();
    Mirror::make(&schema, "mirror1").await;
    let plain = schema.store().await;
    plain.append(&order("a"), samples::event(1)).await.unwrap();
    server::prepare(&schema).await;
    let holding = server::Holding::new(&schema, schema.options());
    let held = asynx_testkit::conformance::SlowTransactions::append(&holding, &samples::group(&order("b"), 1, 1)).await;
    let options = version(&schema, 1);
    let building = tokio::spawn(async move { PostgresStore::build_inline(&url(), &options).await });
    tokio::time::sleep(std::time::Duration::from_millis(2500)).await;
    assert!(!building.is_finished(), "it did not wait");
    // Meanwhile others append: the build does not keep them waiting all the time.
    soon(plain.append(&order("a"), samples::event(2))).await.unwrap();
    held.commit().await;
    soon(building).await.unwrap().unwrap();
    assert_eq!(counts(&schema, "mirror1").await, (3, 3));
}
