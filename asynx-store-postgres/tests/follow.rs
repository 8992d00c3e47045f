//! Whoever follows the log is woken: by own appends, by other processes', by polling; and never spins.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a panic fails the test, which spawns where it stands"
)]

mod server;

use std::time::Duration;

use asynx_core::store::{LogFilter, LogQuery};
use asynx_core::{Position, Store};
use asynx_store_postgres::{PostgresOptions, PostgresStore};
use asynx_testkit::samples;
use server::{Cluster, Schema, connect, connect_to, order, run, soon};
use sqlx::PgConnection;
use tokio::time::{sleep, timeout};

const MINUTES: Duration = Duration::from_secs(600);

/// Nothing but a notification wakes a follower in time.
fn patient(schema: &Schema) -> PostgresOptions {
    schema.options().with_poll_interval(MINUTES)
}

async fn next(store: &PostgresStore) -> Option<Position> {
    let query = LogQuery {
        after: None,
        filter: LogFilter::default(),
        max_events: 1000,
        max_bytes: usize::MAX,
    };
    store.log().unwrap().read(&query).await.unwrap().next
}

async fn append(store: &PostgresStore, id: &str, version: u64) {
    soon(store.append(&order(id), samples::event(version))).await.unwrap();
}

/// The task looks at the log once when it starts, and may have begun before the append.
async fn settled(store: &PostgresStore) -> Option<Position> {
    let after = next(store).await;
    let _ = timeout(Duration::from_millis(200), store.log().unwrap().changed(after)).await;
    after
}

/// The backend that listens on a schema's channel, once there is one other than this.
async fn listener(postgres: &mut PgConnection, part: &str, other_than: i32) -> i32 {
    soon(async {
        loop {
            let listens = "select pid from pg_stat_activity
                where query like 'LISTEN %' and position($1 in query) > 0 and pid <> $2";
            let pid: Option<i32> = sqlx::query_scalar(listens)
                .bind(part.replace('"', "\"\""))
                .bind(other_than)
                .fetch_optional(&mut *postgres)
                .await
                .unwrap();
            match pid {
                Some(pid) => return pid,
                None => sleep(Duration::from_millis(5)).await,
            }
        }
    })
    .await
}

#[tokio::test]
async fn own_appends_wake() {
    let schema = Schema::new();
    let store = schema.store_with(patient(&schema).without_notify()).await;
    let mut after = settled(&store).await;
    for version in 1..=5 {
        let (one, two) = (store.log().unwrap().changed(after), store.log().unwrap().changed(after));
        let (early, late) = (timeout(Duration::from_millis(50), one).await, two);
        assert!(early.is_err(), "woken without an event");
        append(&store, "a", version).await;
        soon(late).await;
        // What is there already does not have to be waited for.
        soon(store.log().unwrap().changed(after)).await;
        after = next(&store).await;
    }
}

#[tokio::test]
async fn appends_of_other_processes_wake_by_a_notification() {
    let schema = Schema::new();
    let (store, other) = (schema.store_with(patient(&schema)).await, schema.store().await);
    let mut after = settled(&store).await;
    listener(&mut connect().await, schema.name(), 0).await;
    for version in 1..=5 {
        let changed = store.log().unwrap().changed(after);
        append(&other, "a", version).await;
        soon(changed).await;
        after = next(&store).await;
    }
}

#[tokio::test]
async fn appends_of_other_processes_wake_by_polling() {
    let schema = Schema::new();
    let options = schema
        .options()
        .with_poll_interval(Duration::from_millis(50))
        .without_notify();
    let store = schema.store_with(options).await;
    let other = schema.store_with(schema.options().without_notify()).await;
    let mut after = settled(&store).await;
    for version in 1..=5 {
        let changed = store.log().unwrap().changed(after);
        append(&other, "a", version).await;
        soon(changed).await;
        after = next(&store).await;
    }
}

#[tokio::test]
async fn an_ended_listener_listens_again() {
    let schema = Schema::new();
    let (store, other) = (schema.store_with(patient(&schema)).await, schema.store().await);
    let mut after = settled(&store).await;
    let mut postgres = connect().await;
    let mut pid = 0;
    for version in 1..=3 {
        pid = listener(&mut postgres, schema.name(), pid).await;
        let end = sqlx::query("select pg_terminate_backend($1)").bind(pid);
        end.execute(&mut postgres).await.unwrap();
        // Nobody may have heard of this one: the listener looks when it is back.
        let changed = store.log().unwrap().changed(after);
        append(&other, "a", 2 * version - 1).await;
        soon(changed).await;
        after = next(&store).await;
        listener(&mut postgres, schema.name(), pid).await;
        let changed = store.log().unwrap().changed(after);
        append(&other, "a", 2 * version).await;
        soon(changed).await;
        after = next(&store).await;
    }
}

#[tokio::test]
async fn a_server_that_comes_back_is_listened_to_again() {
    let cluster = Cluster::start();
    let options = PostgresOptions::new()
        .with_poll_interval(MINUTES)
        .with_acquire_timeout(Duration::from_millis(500));
    let store = PostgresStore::connect_with(&cluster.url(), options).await.unwrap();
    let other = PostgresStore::connect(&cluster.url()).await.unwrap();
    let after = settled(&store).await;
    listener(&mut connect_to(&cluster.url()).await, "asynx", 0).await;
    cluster.stop("fast");
    sleep(Duration::from_secs(2)).await;
    cluster.go_on();
    let changed = store.log().unwrap().changed(after);
    // The other store's first connection may be gone.
    while soon(other.append(&order("a"), samples::event(1))).await.is_err() {}
    soon(changed).await;
    listener(&mut connect_to(&cluster.url()).await, "asynx", 0).await;
    let after = next(&store).await;
    let changed = store.log().unwrap().changed(after);
    append(&other, "a", 2).await;
    soon(changed).await;
}

#[tokio::test]
async fn what_was_held_back_wakes_when_it_is_final() {
    let schema = Schema::new();
    let store = schema.store_with(patient(&schema).without_notify()).await;
    let mut writing = connect().await;
    schema.run("create table {held} (n int)").await;
    let after = settled(&store).await;
    run(&mut writing, &schema.fill("begin; insert into {held} values (1)")).await;
    append(&store, "a", 1).await;
    let changed = store.log().unwrap().changed(after);
    sleep(Duration::from_secs(3)).await;
    let early = timeout(Duration::from_millis(1), store.log().unwrap().changed(after)).await;
    assert!(early.is_err(), "woken by what is not final");
    run(&mut writing, "commit").await;
    // Not when as long has passed again, nor at the next poll.
    timeout(Duration::from_millis(1000), changed)
        .await
        .expect("woken soon after");
}

/// How often a statement ran since the log had so many bytes.
fn ran(cluster: &Cluster, since: usize, part: &str) -> usize {
    cluster.log()[since..].matches(part).count()
}

#[tokio::test]
async fn followers_do_not_spin() {
    const TAIL: &str = "left join lateral (";
    let cluster = Cluster::start();
    cluster.configure("log_statement = 'all'");
    cluster.stop("fast");
    cluster.go_on();
    let options = PostgresOptions::new().with_poll_interval(Duration::from_millis(200));
    let store = PostgresStore::connect_with(&cluster.url(), options).await.unwrap();
    append(&store, "a", 1).await;
    let after = next(&store).await;
    let changed = || store.log().unwrap().changed(after);
    let waiting: Vec<_> = (0..20).map(|_| tokio::spawn(changed())).collect();
    sleep(Duration::from_millis(300)).await;

    // Nothing happens.
    let since = cluster.log().len();
    sleep(Duration::from_secs(2)).await;
    let looks = ran(&cluster, since, TAIL);
    assert!(
        (5..=12).contains(&looks),
        "{looks} looks in 2 s, polling 5 times a second"
    );
    assert_eq!(ran(&cluster, since, "pg_notify"), 0);

    // An event that is not final.
    let mut writing = connect_to(&cluster.url()).await;
    run(&mut writing, "create table held (n int)").await;
    run(&mut writing, "begin; insert into held values (1)").await;
    append(&store, "a", 2).await;
    let since = cluster.log().len();
    sleep(Duration::from_secs(2)).await;
    let looks = ran(&cluster, since, TAIL);
    assert!(
        (5..=25).contains(&looks),
        "{looks} looks in 2 s while nothing becomes final"
    );

    // Many appends while nothing becomes final.
    let since = cluster.log().len();
    let began = tokio::time::Instant::now();
    for version in 3..=300 {
        append(&store, "a", version).await;
    }
    let millis = began.elapsed().as_millis() as usize;
    let looks = ran(&cluster, since, TAIL);
    assert!(looks <= 2 + millis / 2, "{looks} looks in {millis} ms");
    let notified = ran(&cluster, since, "pg_notify");
    assert!(
        (1..=2 + millis / 10).contains(&notified),
        "{notified} notifications in {millis} ms"
    );

    assert!(
        waiting.iter().all(|waiting| !waiting.is_finished()),
        "nothing was final"
    );
    run(&mut writing, "commit").await;
    for waiting in waiting {
        soon(waiting).await.unwrap();
    }
}

#[tokio::test]
async fn what_nobody_waits_for_any_more_leaves_nothing() {
    let schema = Schema::new();
    let store = schema.store().await;
    let after = settled(&store).await;
    for _ in 0..100 {
        let _ = timeout(Duration::from_micros(50), store.log().unwrap().changed(after)).await;
    }
    let changed = store.log().unwrap().changed(after);
    append(&store, "a", 1).await;
    soon(changed).await;
    // The listening ends with the store.
    let mut postgres = connect().await;
    listener(&mut postgres, schema.name(), 0).await;
    drop(store);
    soon(async {
        loop {
            let left =
                "select count(*) from pg_stat_activity where position($1 in query) > 0 and pid <> pg_backend_pid()";
            let left: i64 = sqlx::query_scalar(left)
                .bind(schema.name().replace('"', "\"\""))
                .fetch_one(&mut postgres)
                .await
                .unwrap();
            if left == 0 {
                return;
            }
            sleep(Duration::from_millis(20)).await;
        }
    })
    .await;
}
