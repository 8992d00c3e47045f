//! Events of last year, read by the types of today: a field was added, one renamed, one split, one moved.

mod last_year;
mod today;

use std::error::Error;
use std::time::Duration;

use asynx::store::SqliteStore;
use asynx::{Asynx, Store, StreamId, Version};
use asynx_examples::say;
use serde_json::Value;

const FILE: &str = "upcasting.db";

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    for end in ["", "-wal", "-shm"] {
        // Of an earlier run, if there was one.
        let _ = std::fs::remove_file(format!("{FILE}{end}"));
    }
    let store = SqliteStore::open(FILE).await?;

    say!("Step 1: The program of last year writes, by schema 1...");
    let customers = Asynx::<last_year::Customer>::builder()
        .store(store.clone())
        .build()
        .await?;
    let ada = last_year::Customer {
        name: "Ada Lovelace".to_owned(),
        mail: "ada@example.org".to_owned(),
        street: "Main St 1".to_owned(),
    };
    customers.send(last_year::Register(ada)).await?;
    customers.send(last_year::Move("Side St 2")).await?;
    customers.shutdown(Duration::from_secs(5)).await?;
    show_stored(&store).await?;

    say!("Step 2: The program of today reads, by schema 3...");
    let customers = Asynx::<today::Customer>::builder();
    let customers = customers.store(store.clone()).upcast(today::steps()?).build().await?;
    let show = |event: asynx::Event<today::Customer>| {
        let customer = serde_json::to_string(&*event.aggregate);
        say!(
            "        {} {}: {}",
            event.version,
            event.event_name,
            customer.unwrap_or_default()
        );
        std::future::ready(())
    };
    customers.replay("C-1", .., show).await?;

    say!("Step 3: ... and writes...");
    customers.send(today::Subscribe).await?;
    customers.replay("C-1", 3.., show).await?;
    customers.shutdown(Duration::from_secs(5)).await?;

    say!("Step 4: What is stored: old events stay as they are, new ones are of schema 3...");
    show_stored(&store).await?;

    say!("Step 5: A program of last year that still runs somewhere...");
    let customers = Asynx::<last_year::Customer>::builder().store(store).build().await?;
    match customers.get("C-1").await {
        Err(refused) => say!("        ✗ {refused}"),
        Ok(_) => return Err("what is newer was read all the same".into()),
    }
    Ok(())
}

/// The bytes in the store, of which nothing is ever changed.
async fn show_stored(store: &SqliteStore) -> Result<(), Box<dyn Error>> {
    let ada = StreamId::parse("customer", "C-1")?;
    for event in store.read_from(&ada, Version::FIRST).await? {
        let record: Value = serde_json::from_slice(&event.record)?;
        say!(
            "        {} schema {}: {}",
            event.version,
            record["schema"],
            record["patch"]
        );
    }
    Ok(())
}
