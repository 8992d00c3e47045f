//! Sends so many commands on one thread and ends, for counting instructions:
//! `valgrind --tool=callgrind PROGRAM 20000`, minus the same of 10000, is what 10,000 commands cost.
#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::borrow::Cow;
use std::convert::Infallible;

use asynx::store::MemoryStore;
use asynx::{Aggregate, Asynx, Command};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
struct Counter {
    count: u64,
}

impl Aggregate for Counter {
    const CATEGORY: &'static str = "counter";
}

struct Add(String);

impl Command<Counter> for Add {
    type Rejection = Infallible;

    fn aggregate_id(&self) -> Cow<'_, str> {
        (&self.0).into()
    }

    fn event_name(&self) -> Cow<'_, str> {
        "Added".into()
    }

    fn validate(&self, _: Option<&Counter>) -> Result<(), Infallible> {
        Ok(())
    }

    fn emit(&self, current: Option<&Counter>) -> Counter {
        Counter {
            count: current.map_or(0, |counter| counter.count) + 1,
        }
    }
}

fn main() {
    let commands: usize = std::env::args()
        .find_map(|argument| argument.parse().ok())
        .unwrap_or(1_000);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let builder = Asynx::<Counter>::builder().store(MemoryStore::new());
        let counters = builder.build().await.unwrap();
        for number in 0..commands {
            counters.send(Add(format!("C-{:02}", number % 64))).await.unwrap();
        }
    });
}
