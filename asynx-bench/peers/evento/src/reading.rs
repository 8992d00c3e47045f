use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bench_workload::{Action, Arguments, Report, median, per_second, time};
use evento::metadata::{Event, RawEvent};
use evento::subscription::{Context, SubscriptionBuilder};
use evento::{Executor, Postgres};
use sqlx::PgPool;

use crate::events::{LineAdded, LineRemoved, OrderEvents, OrderPlaced, QuantityChanged, StatusChanged};
use crate::orders::{Orders, open};

const STREAM: u64 = 100;

async fn written(arguments: &Arguments, otherwise: u64) -> (Orders, u64) {
    let streams = arguments.get("events", otherwise) / STREAM;
    let orders = open().await;
    let actions: Vec<Action> = (0..STREAM).map(Action::at).collect();
    for stream in 0..streams {
        orders.act(&format!("ORD-{stream:07}"), &actions).await;
    }
    orders.analyze().await;
    // It gives what is older than a second, which is no part of how fast it catches up.
    tokio::time::sleep(Duration::from_millis(2_500)).await;
    (orders, streams * STREAM)
}

#[derive(Clone)]
struct Counted(Arc<AtomicU64>);

#[evento::subscription_all]
async fn count<E: Executor>(context: &Context<'_, E>, event: RawEvent<OrderEvents>) -> anyhow::Result<()> {
    let counted: Counted = context.extract();
    event.decode()?;
    counted.0.fetch_add(1, Ordering::Relaxed);
    Ok(())
}

/// A subscription that only decodes and counts, from the beginning to the end, as it comes.
pub(crate) async fn catch_up(arguments: &Arguments, report: &mut Report) {
    let (orders, events) = written(arguments, 20_000).await;
    let mut rates = Vec::new();
    // The first is the warm-up.
    for key in ["count-0", "count-1", "count-2"] {
        let counted = Counted(Arc::new(AtomicU64::new(0)));
        let mut subscription = SubscriptionBuilder::<Postgres>::new(key)
            .data(counted.clone())
            .handler(count());
        let (done, took) = time(subscription.run_once(&orders.executor)).await;
        done.unwrap();
        assert_eq!(counted.0.load(Ordering::Relaxed), events);
        rates.push(per_second(events, took));
    }
    report.figure("events_per_s", median(&mut rates[1..]));
}

#[evento::subscription]
async fn on_placed<E: Executor>(context: &Context<'_, E>, event: Event<OrderPlaced>) -> anyhow::Result<()> {
    let order = &event.data.order;
    sqlx::query(
        "insert into order_lines (id, status, total_cents, lines) values ($1, $2, $3, $4)
         on conflict (id) do update
             set status = excluded.status, total_cents = excluded.total_cents, lines = excluded.lines",
    )
    .bind(&event.aggregate_id)
    .bind(format!("{:?}", order.status))
    .bind(order.total_cents)
    .bind(order.lines.len() as i64)
    .execute(&context.extract::<PgPool>())
    .await?;
    Ok(())
}

async fn update<E: Executor>(context: &Context<'_, E>, id: &str, sql: &'static str) -> anyhow::Result<()> {
    sqlx::query(sql).bind(id).execute(&context.extract::<PgPool>()).await?;
    Ok(())
}

#[evento::subscription]
async fn on_quantity<E: Executor>(context: &Context<'_, E>, event: Event<QuantityChanged>) -> anyhow::Result<()> {
    update(
        context,
        &event.aggregate_id,
        "update order_lines set total_cents = total_cents + 1 where id = $1",
    )
    .await
}

#[evento::subscription]
async fn on_status<E: Executor>(context: &Context<'_, E>, event: Event<StatusChanged>) -> anyhow::Result<()> {
    sqlx::query("update order_lines set status = $2 where id = $1")
        .bind(&event.aggregate_id)
        .bind(format!("{:?}", event.data.status))
        .execute(&context.extract::<PgPool>())
        .await?;
    Ok(())
}

#[evento::subscription]
async fn on_added<E: Executor>(context: &Context<'_, E>, event: Event<LineAdded>) -> anyhow::Result<()> {
    update(
        context,
        &event.aggregate_id,
        "update order_lines set lines = lines + 1 where id = $1",
    )
    .await
}

#[evento::subscription]
async fn on_removed<E: Executor>(context: &Context<'_, E>, event: Event<LineRemoved>) -> anyhow::Result<()> {
    update(
        context,
        &event.aggregate_id,
        "update order_lines set lines = lines - 1 where id = $1",
    )
    .await
}

/// A read model in a table of the same database, a statement for each event: its handlers get no batches and no transaction
/// that its cursor is part of. Its events do not carry the total, so that is not kept, only touched.
pub(crate) async fn projection(arguments: &Arguments, report: &mut Report) {
    let (orders, events) = written(arguments, 2_000).await;
    sqlx::query("create table order_lines (id text primary key, status text, total_cents bigint, lines bigint)")
        .execute(&orders.pool)
        .await
        .unwrap();
    let mut rates = Vec::new();
    // The first is the warm-up.
    for key in ["lines-0", "lines-1"] {
        sqlx::query("truncate order_lines").execute(&orders.pool).await.unwrap();
        let mut subscription = SubscriptionBuilder::<Postgres>::new(key)
            .data(orders.pool.clone())
            .handler(on_placed())
            .handler(on_quantity())
            .handler(on_status())
            .handler(on_added())
            .handler(on_removed());
        let (done, took) = time(subscription.run_once(&orders.executor)).await;
        done.unwrap();
        let (lines,): (i64,) = sqlx::query_as("select count(*) from order_lines")
            .fetch_one(&orders.pool)
            .await
            .unwrap();
        assert_eq!(lines as u64, events / STREAM);
        rates.push(per_second(events, took));
    }
    report.figure("events_per_s", median(&mut rates[1..]));
}
