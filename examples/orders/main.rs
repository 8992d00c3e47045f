//! An order system on a durable store: three orders are created, confirmed and shipped, while a reporter and a notifier
//! look on. A second run finds the orders of the first.

mod arguments;
mod commands;
mod domain;
mod projections;

use std::error::Error;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::time::Duration;

use asynx::store::{JetStreamStore, MemoryStore, PostgresStore, SqliteStore};
use asynx::{Asynx, Store};
use asynx_examples::say;

use crate::arguments::{Arguments, Kind};
use crate::commands::{ConfirmOrder, CreateOrder, ShipOrder};
use crate::domain::Order;
use crate::projections::{Outbox, notify, report};

const ORDERS: [(f64, u32, &str); 3] = [
    (99.99, 2, "123 Main St"),
    (149.5, 1, "456 Oak Ave"),
    (20.0, 4, "789 Pine Rd"),
];

#[tokio::main]
async fn main() -> ExitCode {
    match start().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprint!("error: {error}");
            // What lies behind it, too.
            let mut cause = error.source();
            while let Some(error) = cause {
                eprint!(": {error}");
                cause = error.source();
            }
            eprintln!();
            ExitCode::FAILURE
        }
    }
}

async fn start() -> Result<(), Box<dyn Error>> {
    let Arguments { kind, url } = Arguments::parse(std::env::args().skip(1))?;
    match kind {
        Kind::Memory => run("memory: all is gone with this process", MemoryStore::new()).await,
        Kind::Sqlite => {
            let file = url.unwrap_or_else(|| "orders.db".to_owned());
            run(&format!("the SQLite file {file}"), SqliteStore::open(&file).await?).await
        }
        Kind::Postgres => {
            let url = url.ok_or("PostgreSQL needs a URL: --url postgres://user:password@localhost/database")?;
            run("PostgreSQL", PostgresStore::connect(&url).await?).await
        }
        Kind::JetStream => {
            let url = url.unwrap_or_else(|| "nats://localhost:4222".to_owned());
            run("NATS JetStream", JetStreamStore::connect(&url).await?).await
        }
    }
}

async fn run(place: &str, store: impl Store) -> Result<(), Box<dyn Error>> {
    say!("=== asynx: an e-commerce order system ===\n");
    say!("Step 1: Setting up the store: {place}...");
    let orders = Asynx::<Order>::builder().store(store).build().await?;
    let earlier = find_earlier(&orders).await?;
    let ids: Vec<String> = (1..=ORDERS.len()).map(|n| order_id(earlier + n)).collect();

    say!("Step 2: Setting up the event subscribers...");
    let outbox = Outbox::default();
    let one_at_a_time = NonZeroUsize::MIN;
    orders
        .subscribing("Order.*", report)?
        .concurrency(one_at_a_time)
        .start()?;
    let messages = outbox.clone();
    orders
        .subscribing("Order.*", move |event| notify(messages.clone(), event))?
        .concurrency(one_at_a_time)
        .start()?;

    say!("Step 3: Sending commands...\n");
    // `send` alone answers as soon as the event is durable; `and_wait` also waits for the handlers, so that what they
    // print comes first.
    for (id, (total, items, ship_to)) in ids.iter().zip(ORDERS) {
        let (id, ship_to) = (id.clone(), ship_to.to_owned());
        let create = CreateOrder {
            id,
            total,
            items,
            ship_to,
        };
        let created = orders.send(create).and_wait().await?;
        say!("✓ Order {} created", created.aggregate_id);
    }
    say!();
    for id in &ids {
        orders.send(ConfirmOrder { id: id.clone() }).and_wait().await?;
        say!("✓ Order {id} confirmed");
    }
    say!();
    for id in &ids {
        let shipped = orders.send(ShipOrder { id: id.clone() }).and_wait().await?;
        say!("✓ Order {id} shipped, version {}", shipped.version);
    }

    say!("\nStep 4: A command that the domain refuses...\n");
    let first = &ids[0];
    match orders.send(ConfirmOrder { id: first.clone() }).await {
        Err(refused) => say!("✗ {first} was not confirmed again: {refused}"),
        Ok(_) => return Err("a shipped order was confirmed".into()),
    }

    say!("\nStep 5: Verifying the final state...\n");
    for id in &ids {
        let order = orders.get(id).await?;
        say!("Order {id}:\n{}", serde_json::to_string_pretty(&*order)?);
    }

    say!("\nStep 6: What was stored: the events of {first}...\n");
    orders
        .replay(first, .., |event| async move {
            say!("{} {} {}", event.version, event.event_name, event.patch_json());
        })
        .await?;

    say!("\nStep 7: The notifier's outbox...\n");
    for (n, message) in outbox.messages().iter().enumerate() {
        say!("{}. {message}", n + 1);
    }

    orders.shutdown(Duration::from_secs(5)).await?;
    say!("\n✅ Done: three orders shipped, nothing lost.");
    Ok(())
}

fn order_id(number: usize) -> String {
    format!("ORD-{number:03}")
}

/// How many orders earlier runs have left.
async fn find_earlier(orders: &Asynx<Order>) -> Result<usize, Box<dyn Error>> {
    let mut count = 0;
    while orders.exists(order_id(count + 1)).await? {
        count += 1;
    }
    if count > 0 {
        say!("        It holds {count} orders of earlier runs; the last three:");
    }
    for number in (1..=count).skip(count.saturating_sub(3)) {
        let id = order_id(number);
        let order = orders.get(&id).await?;
        say!(
            "        {id} is {}: {} items to {}",
            order.status,
            order.items,
            order.ship_to
        );
    }
    Ok(count)
}
