//! What was written is read again: a long stream, the log, a projection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use asynx::projection::{
    Batch, Detached, Engine, Entry, HandlerError, Projection, ProjectionHandle, ProjectionOptions, State,
    Transactional, TransactionalProjection, Typed, Untyped,
};
use asynx::runtime::TokioRuntime;
use asynx::store::{LogEvent, PostgresStore};
use bench_workload::{Arguments, Report, median, per_second, time};
use futures::StreamExt as _;
use sqlx::{Connection as _, PgConnection, Postgres, Transaction};

use super::fill::streams;
use crate::orders::{Orders, Purchase, lengthen, open, open_without_snapshots};

/// A stream that nobody has loaded yet, without a snapshot.
pub(crate) async fn replay(arguments: &Arguments, report: &mut Report) {
    let events = arguments.get("events", 10_000);
    let store = PostgresStore::connect(&Arguments::database()).await.unwrap();
    let written = open_without_snapshots(store.clone()).await;
    lengthen(&written, "ORD-1", events).await;
    let expected = written.get("ORD-1").await.unwrap();
    let mut loads = Vec::new();
    let begun = Instant::now();
    while begun.elapsed() < arguments.seconds() || loads.len() < 4 {
        let cold = open_without_snapshots(store.clone()).await;
        let (loaded, took) = time(cold.get("ORD-1")).await;
        assert_eq!(loaded.unwrap().0, expected.0);
        loads.push(per_second(events, took));
    }
    // The first is the warm-up.
    report.figure("load_events_per_s", median(&mut loads[1..]));
}

const STREAM: u64 = 100;

async fn written(arguments: &Arguments) -> (PostgresStore, u64) {
    let events: u64 = arguments.get("events", 100_000);
    let store = PostgresStore::connect(&Arguments::database()).await.unwrap();
    let orders = Orders(open(store.clone()).await);
    streams(&orders, events / STREAM, STREAM).await;
    (store, events / STREAM * STREAM)
}

/// Counts, and does nothing else.
struct Count(Arc<AtomicU64>);

/// The same of what comes with its states.
struct CountTyped(Arc<AtomicU64>);

#[async_trait::async_trait]
impl Projection for Count {
    type Decode = Untyped;

    async fn handle(&self, batch: Batch<'_, LogEvent>) -> Result<(), HandlerError> {
        self.0.fetch_add(batch.len() as u64, Ordering::Relaxed);
        Ok(())
    }
}

#[async_trait::async_trait]
impl Projection for CountTyped {
    type Decode = Typed<Purchase>;

    async fn handle(&self, batch: Batch<'_, Entry<Purchase>>) -> Result<(), HandlerError> {
        let events = batch.iter().filter_map(Entry::event);
        self.0.fetch_add(
            events.filter(|event| event.aggregate.0.lines.len() >= 5).count() as u64,
            Ordering::Relaxed,
        );
        Ok(())
    }
}

/// Projections that only count, from the beginning of the log to its end; one gets the events as they are stored, one with the
/// states around them.
pub(crate) async fn catch_up(arguments: &Arguments, report: &mut Report) {
    let (store, events) = written(arguments).await;
    let engine = engine(&store);
    let (mut untyped, mut typed) = (Vec::new(), Vec::new());
    let begun = Instant::now();
    let mut round = 0;
    while begun.elapsed() < arguments.seconds() || round < 3 {
        let counted = Arc::new(AtomicU64::new(0));
        let count = Count(counted.clone());
        let begun = Instant::now();
        let running = engine.run(&format!("untyped-{round}"), ProjectionOptions::new(), || Untyped, Detached(count)).unwrap();
        until_live(&running, events).await;
        untyped.push(per_second(events, begun.elapsed()));
        assert_eq!(counted.load(Ordering::Relaxed), events);
        running.stop().await;

        let counted = Arc::new(AtomicU64::new(0));
        let count = CountTyped(counted.clone());
        let begun = Instant::now();
        let running = engine.run(&format!("typed-{round}"), ProjectionOptions::new(), Typed::new, Detached(count)).unwrap();
        until_live(&running, events).await;
        typed.push(per_second(events, begun.elapsed()));
        assert_eq!(counted.load(Ordering::Relaxed), events);
        running.stop().await;
        round += 1;
    }
    // The first of each is the warm-up.
    report.figure("events_per_s", median(&mut untyped[1..]));
    report.figure("typed_events_per_s", median(&mut typed[1..]));
}

fn engine(store: &PostgresStore) -> Engine {
    Engine::builder(store.clone(), Arc::new(TokioRuntime::current().unwrap()))
        .build()
        .unwrap()
}

async fn until_live(projection: &ProjectionHandle, events: u64) {
    let mut statuses = projection.watch();
    let waiting = async {
        while let Some(status) = statuses.next().await {
            assert!(status.parked == 0, "{status:?}");
            if status.handled >= events {
                return;
            }
            assert!(!matches!(status.state, State::Failed), "{status:?}");
        }
    };
    tokio::time::timeout(Duration::from_secs(120), waiting)
        .await
        .expect("it catches up");
}

/// A line for each order, in one statement for a batch.
struct Lines;

#[async_trait::async_trait]
impl TransactionalProjection<Transaction<'static, Postgres>> for Lines {
    type Decode = Typed<Purchase>;

    async fn handle(
        &self,
        transaction: &mut Transaction<'static, Postgres>,
        batch: Batch<'_, Entry<Purchase>>,
    ) -> Result<(), HandlerError> {
        // Of an order's events in this batch the last one counts.
        let newest: std::collections::BTreeMap<_, _> = batch
            .iter()
            .filter_map(Entry::event)
            .map(|event| (event.aggregate_id.as_str(), event))
            .collect();
        let orders = newest.values().map(|event| &event.aggregate.0);
        sqlx::query(
            "insert into public.order_lines (id, status, total_cents, lines)
             select * from unnest($1::text[], $2::text[], $3::bigint[], $4::bigint[])
             on conflict (id) do update
                 set status = excluded.status, total_cents = excluded.total_cents, lines = excluded.lines",
        )
        .bind(orders.clone().map(|order| order.id.as_str()).collect::<Vec<_>>())
        .bind(
            orders
                .clone()
                .map(|order| format!("{:?}", order.status))
                .collect::<Vec<_>>(),
        )
        .bind(orders.clone().map(|order| order.total_cents).collect::<Vec<_>>())
        .bind(orders.map(|order| order.lines.len() as i64).collect::<Vec<_>>())
        .execute(&mut **transaction)
        .await?;
        Ok(())
    }
}

/// A read model in a table of the same database, each batch in one transaction with its checkpoint.
pub(crate) async fn projection(arguments: &Arguments, report: &mut Report) {
    let (store, events) = written(arguments).await;
    let mut tables = PgConnection::connect(&Arguments::database()).await.unwrap();
    sqlx::query("create table public.order_lines (id text primary key, status text, total_cents bigint, lines bigint)")
        .execute(&mut tables)
        .await
        .unwrap();
    let engine = engine(&store);
    let mut rates = Vec::new();
    let begun = Instant::now();
    let mut round = 0;
    while begun.elapsed() < arguments.seconds() || round < 3 {
        sqlx::query("truncate public.order_lines")
            .execute(&mut tables)
            .await
            .unwrap();
        let transactional = Transactional {
            transactions: store.clone(),
            projection: Lines,
        };
        let options = ProjectionOptions::new().with_version(round + 1);
        let begun = Instant::now();
        let running = engine.run("orders", options, Typed::new, transactional).unwrap();
        until_live(&running, events).await;
        rates.push(per_second(events, begun.elapsed()));
        running.stop().await;
        let (lines,): (i64,) = sqlx::query_as("select count(*) from public.order_lines")
            .fetch_one(&mut tables)
            .await
            .unwrap();
        assert_eq!(lines as u64, events / STREAM);
        round += 1;
    }
    // The first is the warm-up.
    report.figure("events_per_s", median(&mut rates[1..]));
}
