//! A small domain: counters that count each command once.

use std::borrow::Cow;
use std::convert::Infallible;

use asynx::{Aggregate, Asynx, Command};
use asynx_store_postgres::PostgresStore;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Counter {
    pub(crate) count: u64,
    /// Who counted, in order.
    pub(crate) by: Vec<String>,
}

impl Aggregate for Counter {
    const CATEGORY: &'static str = "counter";
}

/// Counts one up on a counter, in somebody's name.
pub(crate) struct Count(pub(crate) String, pub(crate) String);

impl Command<Counter> for Count {
    type Rejection = Infallible;

    fn aggregate_id(&self) -> Cow<'_, str> {
        (&self.0).into()
    }

    fn event_name(&self) -> Cow<'_, str> {
        "Counted".into()
    }

    fn validate(&self, _: Option<&Counter>) -> Result<(), Infallible> {
        Ok(())
    }

    fn emit(&self, current: Option<&Counter>) -> Counter {
        let mut next = current.cloned().unwrap_or(Counter {
            count: 0,
            by: Vec::new(),
        });
        next.count += 1;
        next.by.push(self.1.clone());
        next
    }
}

pub(crate) async fn counters(store: &PostgresStore) -> Asynx<Counter> {
    let built = Asynx::builder().store(store.clone()).build().await;
    built.expect("the handle is built")
}
