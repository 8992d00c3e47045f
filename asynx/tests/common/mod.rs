//! A small domain.
#![allow(dead_code, reason = "each test file uses its part")]

use std::borrow::Cow;
use std::time::Duration;

use asynx::{Aggregate, Asynx, Command};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) status: String,
    pub(crate) total: i64,
}

impl Aggregate for Order {
    const CATEGORY: &'static str = "order";
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("refused: {0}")]
pub(crate) struct Refused(pub(crate) &'static str);

pub(crate) enum Do {
    Create,
    Add(i64),
    Cancel,
}

/// One of the commands, for one order.
pub(crate) struct To(pub(crate) String, pub(crate) Do);

pub(crate) fn create(id: impl Into<String>) -> To {
    To(id.into(), Do::Create)
}

pub(crate) fn add(id: impl Into<String>, amount: i64) -> To {
    To(id.into(), Do::Add(amount))
}

pub(crate) fn cancel(id: impl Into<String>) -> To {
    To(id.into(), Do::Cancel)
}

impl Command<Order> for To {
    type Rejection = Refused;

    fn aggregate_id(&self) -> Cow<'_, str> {
        (&self.0).into()
    }

    fn event_name(&self) -> Cow<'_, str> {
        match self.1 {
            Do::Create => "OrderCreated",
            Do::Add(_) => "OrderGrown",
            Do::Cancel => "OrderCancelled",
        }
        .into()
    }

    fn validate(&self, current: Option<&Order>) -> Result<(), Refused> {
        match (&self.1, current) {
            (Do::Create, None) => Ok(()),
            (Do::Create, Some(_)) => Err(Refused("exists")),
            (_, None) => Err(Refused("missing")),
            (Do::Cancel, Some(order)) if order.status == "cancelled" => Err(Refused("cancelled")),
            _ => Ok(()),
        }
    }

    fn emit(&self, current: Option<&Order>) -> Order {
        let order = current.cloned().unwrap_or(Order {
            status: "pending".to_owned(),
            total: 0,
        });
        match self.1 {
            Do::Create => order,
            Do::Add(amount) => Order {
                total: order.total + amount,
                ..order
            },
            Do::Cancel => Order {
                status: "cancelled".to_owned(),
                ..order
            },
        }
    }
}

pub(crate) async fn orders(store: impl asynx::Store) -> Asynx<Order> {
    Asynx::builder().store(store).build().await.unwrap()
}

/// Fails a test that hangs instead of letting it hang.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_secs(20), future)
        .await
        .expect("no answer within 20 s")
}
