//! An order system: three orders are created, confirmed and shipped, while a reporter and a notifier look on.

mod commands;
mod domain;
mod projections;

use std::error::Error;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::time::Duration;

use asynx::store::MemoryStore;
use asynx::{Asynx, Store};

use crate::commands::{ConfirmOrder, CreateOrder, ShipOrder};
use crate::domain::Order;
use crate::projections::{Outbox, notify, report};

const ORDERS: [(&str, f64, u32, &str); 3] = [
    ("ORD-001", 99.99, 2, "123 Main St"),
    ("ORD-002", 149.5, 1, "456 Oak Ave"),
    ("ORD-003", 20.0, 4, "789 Pine Rd"),
];

#[tokio::main]
async fn main() -> ExitCode {
    match start().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn start() -> Result<(), Box<dyn Error>> {
    match store_argument()?.as_str() {
        "memory" => run(MemoryStore::new()).await,
        other => Err(format!("there is no store {other:?}; choose --store memory").into()),
    }
}

fn store_argument() -> Result<String, Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [] => Ok("memory".to_owned()),
        [option, store] if option == "--store" => Ok(store.clone()),
        _ => Err("usage: orders [--store memory]".into()),
    }
}

async fn run(store: impl Store) -> Result<(), Box<dyn Error>> {
    println!("=== asynx: an e-commerce order system ===\n");
    println!("Step 1: Setting up the store...");
    let orders = Asynx::<Order>::builder().store(store).build().await?;

    println!("Step 2: Setting up the event subscribers...");
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

    println!("Step 3: Sending commands...\n");
    // `send` alone answers as soon as the event is durable; `and_wait` also waits for the handlers, so that what they
    // print comes first.
    for (id, total, items, ship_to) in ORDERS {
        let (id, ship_to) = (id.to_owned(), ship_to.to_owned());
        let create = CreateOrder {
            id,
            total,
            items,
            ship_to,
        };
        let created = orders.send(create).and_wait().await?;
        println!("✓ Order {} created", created.aggregate_id);
    }
    println!();
    for (id, ..) in ORDERS {
        orders.send(ConfirmOrder { id: id.to_owned() }).and_wait().await?;
        println!("✓ Order {id} confirmed");
    }
    println!();
    for (id, ..) in ORDERS {
        let shipped = orders.send(ShipOrder { id: id.to_owned() }).and_wait().await?;
        println!("✓ Order {id} shipped, version {}", shipped.version);
    }

    println!("\nStep 4: A command that the domain refuses...\n");
    match orders
        .send(ConfirmOrder {
            id: "ORD-001".to_owned(),
        })
        .await
    {
        Err(refused) => println!("✗ ORD-001 was not confirmed again: {refused}"),
        Ok(_) => return Err("a shipped order was confirmed".into()),
    }

    println!("\nStep 5: Verifying the final state...\n");
    for (id, ..) in ORDERS {
        let order = orders.get(id).await?;
        println!("Order {id}:\n{}", serde_json::to_string_pretty(&*order)?);
    }

    println!("\nStep 6: What was stored: the events of ORD-001...\n");
    orders
        .replay("ORD-001", .., |event| async move {
            println!("{} {} {}", event.version, event.event_name, event.patch_json());
        })
        .await?;

    println!("\nStep 7: The notifier's outbox...\n");
    for (n, message) in outbox.messages().iter().enumerate() {
        println!("{}. {message}", n + 1);
    }

    orders.shutdown(Duration::from_secs(5)).await?;
    println!("\n✅ Done: three orders shipped, nothing lost.");
    Ok(())
}
