//! Leases of sole writers: what was begun under one is not stored under the next, and who lost one knows it first.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a panic fails the test, which spawns where it stands"
)]

mod server;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use asynx_core::store::{AppendError, AppendGroup, GroupOutcome, Leases as _, WriterLease};
use asynx_core::{Category, Runtime, Store, StreamId, Timestamp, Version};
use asynx_runtime::TokioRuntime;
use asynx_store_postgres::{LaneOptions, PostgresOptions, PostgresStore};
use asynx_testkit::conformance::LeaseLoser as _;
use asynx_testkit::samples;
use futures::future::BoxFuture;
use server::lose_leases::{self, Losing};
use server::{Made, Schema, blocked_by, connect, order, run, soon};
use tokio::time::sleep;

const LEASE: Duration = Duration::from_millis(1000);

fn options(schema: &Schema) -> PostgresOptions {
    schema.options().with_lease_time(LEASE)
}

fn category(name: &str) -> Category {
    Category::parse(name).unwrap()
}

async fn acquire(store: &PostgresStore, name: &str) -> Option<Box<dyn WriterLease>> {
    soon(store.sole_writer().unwrap().acquire(&category(name)))
        .await
        .unwrap()
}

async fn acquire_freed(store: &PostgresStore, name: &str) -> Box<dyn WriterLease> {
    soon(async {
        loop {
            match acquire(store, name).await {
                Some(lease) => return lease,
                None => sleep(Duration::from_millis(5)).await,
            }
        }
    })
    .await
}

async fn append(store: &PostgresStore, groups: &[AppendGroup]) -> Vec<GroupOutcome> {
    soon(store.append_batch(groups)).await
}

async fn stored(store: &PostgresStore, stream: &StreamId) -> u64 {
    store.count(stream, Version::FIRST).await.unwrap()
}

fn one(stream: &StreamId, version: u64) -> AppendGroup {
    samples::group(stream, version, 1)
}

#[tokio::test]
async fn appends_under_a_lease_are_stored() {
    let schema = Schema::new();
    let store = schema.store_with(options(&schema)).await;
    let other = StreamId::parse("other", "a").unwrap();
    let _orders = acquire(&store, "order").await.unwrap();
    for version in 1..=3 {
        let outcomes = append(&store, &[one(&order("a"), version), one(&other, version)]).await;
        assert!(outcomes.iter().all(|outcome| outcome.stopped.is_none()), "{outcomes:?}");
    }
    let _others = acquire(&store, "other").await.unwrap();
    let outcomes = append(&store, &[one(&order("a"), 4), one(&other, 4)]).await;
    assert!(outcomes.iter().all(|outcome| outcome.stopped.is_none()), "{outcomes:?}");
    let conflict = append(&store, &[one(&order("a"), 4)]).await.remove(0);
    assert!(matches!(conflict.stopped, Some(AppendError::Conflict)), "{conflict:?}");
    // A process that asks for no lease is not kept from writing.
    let third = schema.store().await;
    assert!(append(&third, &[one(&order("a"), 5)]).await[0].stopped.is_none());
}

/// Of what waits in a lane while its lease is lost and given to another, nothing is stored.
/// Each by the first calls that ask for it, which all insert its row.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_leases_are_given_once_and_the_others_are_refused() {
    let schema = Schema::new();
    let (here, there) = (schema.store().await, schema.store().await);
    for round in 0..300 {
        let name = format!("lease-{round}");
        let asked = (0..8).map(|asker| {
            let store = if asker % 2 == 0 { here.clone() } else { there.clone() };
            let name = name.clone();
            tokio::spawn(async move { store.acquire(&name, "holder", LEASE, Timestamp::UNIX_EPOCH).await })
        });
        let answers = futures::future::try_join_all(asked).await.unwrap();
        let mut given = 0;
        for answer in answers {
            if let Some(token) = answer.unwrap() {
                assert_eq!(token, 1, "{name}");
                given += 1;
            }
        }
        assert_eq!(given, 1, "{name}");
    }
}

#[tokio::test]
async fn an_append_that_waited_is_refused_under_the_next_lease() {
    let schema = Schema::new();
    let one_lane = options(&schema).with_lanes(LaneOptions::default().with_lanes(1));
    let (first, second) = (
        schema.store_with(one_lane).await,
        schema.store_with(options(&schema)).await,
    );
    lose_leases::prepare(&schema).await;
    let (busy, other) = (
        StreamId::parse("busy", "a").unwrap(),
        StreamId::parse("other", "a").unwrap(),
    );
    append(&first, &[one(&busy, 1), one(&order("a"), 1)]).await;
    let lease = acquire(&first, "order").await.unwrap();

    let mut locking = connect().await;
    let lock = schema.fill("begin; select from {heads} where category = 'busy' for update");
    run(&mut locking, &lock).await;
    let holding = {
        let (store, group) = (first.clone(), one(&busy, 2));
        tokio::spawn(async move { append(&store, &[group]).await.remove(0) })
    };
    blocked_by(&mut locking).await;
    let waiting = {
        let (store, groups) = (first.clone(), [one(&order("a"), 2), one(&other, 1)]);
        tokio::spawn(async move { append(&store, &groups).await })
    };
    sleep(Duration::from_millis(50)).await;

    Losing::new(&schema).lose(&category("order")).await;
    let next = acquire_freed(&second, "order").await;
    assert!(!lease.is_held());
    drop(lease);
    run(&mut locking, "rollback").await;
    assert!(holding.await.unwrap().stopped.is_none());
    let outcomes = waiting.await.unwrap();
    assert!(
        matches!(outcomes[0].stopped, Some(AppendError::Conflict)),
        "{outcomes:?}"
    );
    assert!(
        outcomes[1].stopped.is_none(),
        "another category's is stored: {outcomes:?}"
    );
    assert_eq!(stored(&second, &order("a")).await, 1);

    // From then on the first one writes as anybody does, and the second under its lease.
    assert!(append(&first, &[one(&order("a"), 2)]).await[0].stopped.is_none());
    assert!(append(&second, &[one(&order("a"), 3)]).await[0].stopped.is_none());
    assert!(next.is_held());
}

/// A caller that goes away does not take the fence with it.
#[tokio::test]
async fn an_append_that_nobody_waits_for_is_refused_under_the_next_lease() {
    let schema = Schema::new();
    let (first, second) = (
        schema.store_with(options(&schema)).await,
        schema.store_with(options(&schema)).await,
    );
    lose_leases::prepare(&schema).await;
    append(&first, &[one(&order("a"), 1)]).await;
    let lease = acquire(&first, "order").await.unwrap();
    // It waits for the lease's row, as it would for its turn.
    let mut locking = connect().await;
    run(&mut locking, &schema.fill("begin; lock table {heads}")).await;
    let sending = {
        let (store, group) = (first.clone(), one(&order("a"), 2));
        tokio::spawn(async move { store.append_batch(&[group]).await })
    };
    blocked_by(&mut locking).await;
    sending.abort();
    Losing::new(&schema).lose(&category("order")).await;
    drop(lease);
    let next = acquire_freed(&second, "order").await;
    run(&mut locking, "rollback").await;
    // Whatever became of it, it is not stored now.
    sleep(Duration::from_millis(200)).await;
    assert_eq!(stored(&second, &order("a")).await, 1);
    drop(next);
}

#[tokio::test]
async fn the_next_lease_waits_for_appends_that_are_under_way() {
    let schema = Schema::new();
    let (first, second) = (
        schema.store_with(options(&schema)).await,
        schema.store_with(options(&schema)).await,
    );
    append(&first, &[one(&order("a"), 1)]).await;
    let lease = acquire(&first, "order").await.unwrap();
    let mut locking = connect().await;
    run(&mut locking, &schema.fill("begin; select from {heads} for update")).await;
    let held = {
        let (store, group) = (first.clone(), one(&order("a"), 2));
        tokio::spawn(async move { append(&store, &[group]).await.remove(0) })
    };
    blocked_by(&mut locking).await;
    drop(lease);
    let next = {
        let store = second.clone();
        tokio::spawn(async move { acquire_freed(&store, "order").await })
    };
    sleep(Duration::from_millis(500)).await;
    assert!(
        !next.is_finished(),
        "the lease was given while an append of the old one was under way"
    );
    run(&mut locking, "rollback").await;
    assert!(held.await.unwrap().stopped.is_none());
    assert!(soon(next).await.unwrap().is_held());
    assert_eq!(stored(&second, &order("a")).await, 2);
}

#[tokio::test]
async fn appends_do_not_hinder_renewals() {
    let schema = Schema::new();
    let store = schema.store_with(options(&schema)).await;
    append(&store, &[one(&order("a"), 1)]).await;
    let lease = acquire(&store, "order").await.unwrap();
    let mut locking = connect().await;
    run(&mut locking, &schema.fill("begin; select from {heads} for update")).await;
    let held = {
        let (store, group) = (store.clone(), one(&order("a"), 2));
        tokio::spawn(async move { append(&store, &[group]).await.remove(0) })
    };
    blocked_by(&mut locking).await;
    sleep(3 * LEASE).await;
    assert!(lease.is_held(), "an append under way let the lease lapse");
    run(&mut locking, "rollback").await;
    assert!(held.await.unwrap().stopped.is_none());
    assert!(lease.is_held());
}

/// A role that may not come back once its connections are ended.
async fn cut_off(role: &Made) {
    let mut postgres = connect().await;
    run(&mut postgres, &format!("alter role {} nologin", role.name)).await;
    let end = "select pg_terminate_backend(pid) from pg_stat_activity where usename = $1";
    sqlx::query(end).bind(&role.name).execute(&mut postgres).await.unwrap();
}

#[tokio::test]
async fn a_holder_that_is_cut_off_knows_it_first() {
    let schema = Schema::new();
    let role = Made::role("login superuser").await;
    let second = schema.store_with(options(&schema)).await;
    let first = PostgresStore::connect_with(&role.url(), options(&schema))
        .await
        .unwrap();
    let lease = acquire(&first, "order").await.unwrap();
    sleep(2 * LEASE).await;
    assert!(lease.is_held(), "it is renewed");
    assert!(acquire(&second, "order").await.is_none());
    cut_off(&role).await;
    let next = acquire_freed(&second, "order").await;
    assert!(!lease.is_held());
    assert!(next.is_held());
}

/// A clock that can be set.
struct Clock {
    tokio: TokioRuntime,
    shift_micros: AtomicI64,
}

impl Runtime for Clock {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        self.tokio.spawn(task);
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        self.tokio.sleep(duration)
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_micros(self.tokio.now().as_micros() + self.shift_micros.load(Ordering::SeqCst))
    }

    fn entropy(&self) -> u64 {
        self.tokio.entropy()
    }
}

#[tokio::test]
async fn a_clock_that_is_set_back_does_not_prolong_a_lease() {
    let schema = Schema::new();
    let role = Made::role("login superuser").await;
    let second = schema.store_with(options(&schema)).await;
    let clock = Arc::new(Clock {
        tokio: TokioRuntime::current().unwrap(),
        shift_micros: AtomicI64::new(0),
    });
    let with_clock = options(&schema).with_runtime(clock.clone());
    let first = PostgresStore::connect_with(&role.url(), with_clock).await.unwrap();
    let lease = acquire(&first, "order").await.unwrap();
    cut_off(&role).await;
    clock.shift_micros.store(-3_600_000_000, Ordering::SeqCst);
    let _next = acquire_freed(&second, "order").await;
    assert!(!lease.is_held());
    // Nor does it bring one back.
    clock.shift_micros.store(0, Ordering::SeqCst);
    assert!(!lease.is_held());
}

#[tokio::test]
async fn a_dropped_lease_is_free_at_once() {
    let schema = Schema::new();
    let long = schema.options().with_lease_time(Duration::from_secs(600));
    let (first, second) = (schema.store_with(long.clone()).await, schema.store_with(long).await);
    for _ in 0..5 {
        let lease = acquire_freed(&first, "order").await;
        assert!(acquire(&second, "order").await.is_none());
        drop(lease);
        let lease = acquire_freed(&second, "order").await;
        assert!(append(&second, &[]).await.is_empty());
        drop(lease);
    }
}
