//! Orders by customer in a SQL table, written in the same transactions as its checkpoint; then a second version of it,
//! built beside the first one while orders are paid, and put into its place.

mod domain;
mod orders_by_customer;

use std::error::Error;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use asynx::Asynx;
use asynx::projection::{AndWaitFor, Engine, ProjectionHandle, ProjectionOptions, State, Transactional, Typed};
use asynx::runtime::TokioRuntime;
use asynx::store::SqliteStore;
use asynx_examples::say;
use futures::StreamExt;
use futures::future::{join_all, try_join_all};
use indicatif::ProgressBar;
use sqlx::SqlitePool;

use crate::domain::{Order, Pay, Place};
use crate::orders_by_customer::{FIRST, OrdersByCustomer, SECOND};

const FILE: &str = "read_model.db";
const ORDERS: usize = 400;
const CUSTOMERS: [&str; 4] = ["Ada", "Ben", "Cleo", "Dan"];
const PATIENCE: Duration = Duration::from_secs(60);

type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

#[tokio::main]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<()> {
    for end in ["", "-wal", "-shm"] {
        // Of an earlier run, if there was one.
        let _ = std::fs::remove_file(format!("{FILE}{end}"));
    }
    let store = SqliteStore::open(FILE).await?;
    let tables = SqlitePool::connect(&format!("sqlite:{FILE}")).await?;
    let orders = Asynx::<Order>::builder().store(store.clone()).build().await?;
    let engine = Engine::builder(store.clone(), Arc::new(TokioRuntime::current()?)).build()?;

    say!("Step 1: {ORDERS} orders are placed, before anybody looks...");
    try_join_all((1..=ORDERS).map(|number| orders.send(place(number)))).await?;

    say!("Step 2: A read model of them: orders by customer...");
    let first = start(&engine, &store, FIRST, 1).await?;
    until(&first, State::Live).await;
    show_orders(&tables).await?;

    say!("Step 3: Reading what one has written...");
    orders.send(place(ORDERS + 1)).and_wait_for(&first, PATIENCE).await?;
    show_orders(&tables).await?;

    say!("Step 4: A second version is built beside it, while orders are paid...");
    let second = start(&engine, &store, SECOND, 2).await?;
    let paying = join_all((1..=ORDERS / 2).map(|number| orders.send(Pay { id: id(number) })));
    let (paid, ()) = futures::join!(paying, until(&second, State::Ready));
    say!("        {} were paid meanwhile", paid.into_iter().flatten().count());

    say!("Step 5: It takes the place of the first one, which is removed...");
    second.switch(PATIENCE).await?;
    first.remove().await?;
    let left: Vec<(String,)> = sqlx::query_as(
        "SELECT name FROM sqlite_schema WHERE name IN ('orders', 'customers', 'orders_1', 'orders_2', 'customers_2')
         ORDER BY name",
    )
    .fetch_all(&tables)
    .await?;
    let left: Vec<String> = left.into_iter().map(|(name,)| name).collect();
    say!("        tables and views: {}", left.join(", "));

    say!("Step 6: What each customer still has to pay...");
    let id = id(ORDERS);
    orders.send(Pay { id }).and_wait_for(&second, PATIENCE).await?;
    show_customers(&tables).await?;

    engine.stop(PATIENCE).await;
    orders.shutdown(PATIENCE).await?;
    say!(
        "Done: {} events were handled by the second version.",
        second.status().handled
    );
    Ok(())
}

async fn start(
    engine: &Engine,
    store: &SqliteStore,
    projection: OrdersByCustomer,
    version: u32,
) -> Result<ProjectionHandle> {
    projection.prepare(store).await.map_err(|error| error.to_string())?;
    // Small batches, so that there is something to see.
    let options = ProjectionOptions::new()
        .with_version(version)
        .with_batch(NonZeroUsize::new(20).ok_or("20 is not 0")?);
    let transactional = Transactional {
        transactions: store.clone(),
        projection,
    };
    Ok(engine.run("orders by customer", options, Typed::new, transactional)?)
}

/// Waits for a state, and shows how far the projection is; nothing is shown where the output is no terminal.
async fn until(projection: &ProjectionHandle, wanted: State) {
    let bar = ProgressBar::new(0);
    let mut statuses = projection.watch();
    while let Some(status) = statuses.next().await {
        bar.set_length(status.handled + status.remaining.unwrap_or(0));
        bar.set_position(status.handled);
        if status.state == wanted {
            break;
        }
    }
    bar.finish_and_clear();
}

async fn show_orders(tables: &SqlitePool) -> Result<()> {
    let customers: Vec<(String, i64)> =
        sqlx::query_as("SELECT customer, count(*) FROM orders GROUP BY customer ORDER BY customer")
            .fetch_all(tables)
            .await?;
    for (customer, orders) in customers {
        say!("        {customer}: {orders} orders");
    }
    Ok(())
}

async fn show_customers(tables: &SqlitePool) -> Result<()> {
    let customers: Vec<(String, i64, i64)> =
        sqlx::query_as("SELECT customer, orders, open_cents FROM customers ORDER BY customer")
            .fetch_all(tables)
            .await?;
    for (customer, orders, cents) in customers {
        say!(
            "        {customer}: {orders} orders, {}.{:02} open",
            cents / 100,
            cents % 100
        );
    }
    Ok(())
}

fn id(number: usize) -> String {
    format!("ORD-{number:03}")
}

fn place(number: usize) -> Place {
    Place {
        id: id(number),
        customer: CUSTOMERS[number % CUSTOMERS.len()].to_owned(),
        cents: 250 * (1 + number as i64 % 7),
    }
}
