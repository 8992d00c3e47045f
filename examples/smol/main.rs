//! asynx on smol: the same as anywhere else, but for `.runtime(SmolRuntime::new())`. No tokio is compiled in.

use std::borrow::Cow;
use std::error::Error;
use std::io::Write;
use std::time::Duration;

use asynx::runtime::SmolRuntime;
use asynx::store::SqliteStore;
use asynx::{Aggregate, Asynx, Command, Event, SendError};
use serde::{Deserialize, Serialize};

const FILE: &str = "smol.db";

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Counter {
    count: u32,
}

impl Aggregate for Counter {
    const CATEGORY: &'static str = "counter";
}

struct Increment;

#[derive(Debug, thiserror::Error)]
#[error("{0} is the end")]
struct Full(u32);

impl Command<Counter> for Increment {
    type Rejection = Full;

    fn aggregate_id(&self) -> Cow<'_, str> {
        "clicks".into()
    }

    fn event_name(&self) -> Cow<'_, str> {
        "Incremented".into()
    }

    fn validate(&self, current: Option<&Counter>) -> Result<(), Full> {
        match current {
            Some(counter) if counter.count == 6 => Err(Full(counter.count)),
            _ => Ok(()),
        }
    }

    fn emit(&self, current: Option<&Counter>) -> Counter {
        let count = current.map_or(0, |counter| counter.count) + 1;
        Counter { count }
    }
}

fn main() -> Result<(), Box<dyn Error>> {
    smol::block_on(run())
}

async fn run() -> Result<(), Box<dyn Error>> {
    let mut out = std::io::stdout();
    let store = SqliteStore::open(FILE).await?;
    let counters = Asynx::<Counter>::builder()
        .store(store)
        .runtime(SmolRuntime::new())
        .build()
        .await?;
    counters.subscribe("Incremented", |event: Event<Counter>| async move {
        // A timer of smol, in a handler.
        smol::Timer::after(Duration::from_millis(10)).await;
        let _ = writeln!(std::io::stdout(), "[EVENT] clicks: {}", event.aggregate.count);
    })?;

    writeln!(out, "=== asynx on smol, in the file {FILE} ===")?;
    // Four a run: the second run goes on where the first one ended, and comes to the end.
    for _ in 0..4 {
        match counters.send(Increment).and_wait().await {
            Ok(event) => writeln!(out, "✓ version {} is stored", event.version)?,
            Err(SendError::Rejected(full)) => writeln!(out, "✗ {full}")?,
            Err(SendError::Failed(error)) => return Err(error.into()),
        }
    }
    counters.shutdown(Duration::from_secs(5)).await?;
    Ok(())
}
