//! Orders and their commands, and what scenarios that must fail say.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};

use asynx_core::{Aggregate, Command};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Order {
    pub(crate) id: String,
    pub(crate) status: String,
    pub(crate) total: f64,
    #[serde(skip)]
    pub(crate) cached: u64,
}

impl Aggregate for Order {
    const CATEGORY: &'static str = "order";
}

#[derive(Debug, PartialEq, thiserror::Error)]
pub(crate) enum Refused {
    #[error("the order exists")]
    Exists,
    #[error("the order is {0}")]
    Is(String),
}

/// A command made of functions.
pub(crate) struct Does {
    pub(crate) id: fn() -> String,
    pub(crate) name: fn() -> String,
    pub(crate) validate: fn(Option<&Order>) -> Result<(), Refused>,
    pub(crate) emit: fn(Option<&Order>) -> Order,
}

impl Command<Order> for Does {
    type Rejection = Refused;

    fn aggregate_id(&self) -> Cow<'_, str> {
        (self.id)().into()
    }

    fn event_name(&self) -> Cow<'_, str> {
        (self.name)().into()
    }

    fn validate(&self, order: Option<&Order>) -> Result<(), Refused> {
        (self.validate)(order)
    }

    fn emit(&self, order: Option<&Order>) -> Order {
        (self.emit)(order)
    }
}

pub(crate) struct Confirm;

impl Command<Order> for Confirm {
    type Rejection = Refused;

    fn aggregate_id(&self) -> Cow<'_, str> {
        "ORD-1".into()
    }

    fn event_name(&self) -> Cow<'_, str> {
        "OrderConfirmed".into()
    }

    fn validate(&self, order: Option<&Order>) -> Result<(), Refused> {
        match order {
            Some(order) if order.status == "pending" => Ok(()),
            Some(order) => Err(Refused::Is(order.status.clone())),
            None => Err(Refused::Is("nowhere".to_owned())),
        }
    }

    fn emit(&self, order: Option<&Order>) -> Order {
        let status = "confirmed".to_owned();
        Order {
            status,
            ..order.unwrap().clone()
        }
    }

    fn should_snapshot(&self) -> bool {
        true
    }
}

pub(crate) fn order() -> Order {
    Order {
        id: "ORD-1".to_owned(),
        status: "pending".to_owned(),
        total: 12.5,
        cached: 0,
    }
}

pub(crate) fn create() -> Does {
    Does {
        id: || "ORD-1".to_owned(),
        name: || "OrderCreated".to_owned(),
        validate: |order| order.map_or(Ok(()), |_| Err(Refused::Exists)),
        emit: |_| order(),
    }
}

/// What a scenario that must fail says.
pub(crate) fn failure<T>(scenario: impl FnOnce() -> T) -> String {
    let Err(payload) = catch_unwind(AssertUnwindSafe(|| drop(scenario()))) else {
        panic!("the scenario did not fail");
    };
    match payload.downcast::<String>() {
        Ok(text) => *text,
        Err(payload) => (*payload.downcast::<&str>().unwrap()).to_owned(),
    }
}

#[track_caller]
pub(crate) fn says(message: &str, parts: &[&str]) {
    for part in parts {
        assert!(message.contains(part), "{part:?} is not in:\n{message}");
    }
}
