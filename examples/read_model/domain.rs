//! What an order is, and what can be done with it.

use std::borrow::Cow;

use asynx::{Aggregate, Command};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Order {
    pub customer: String,
    pub cents: i64,
    pub paid: bool,
}

impl Aggregate for Order {
    const CATEGORY: &'static str = "order";
}

/// Why a command is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the order exists already")]
    Exists,
    #[error("there is no such order that is not paid yet")]
    NotOpen,
}

pub struct Place {
    pub id: String,
    pub customer: String,
    pub cents: i64,
}

impl Command<Order> for Place {
    type Rejection = Refused;

    fn aggregate_id(&self) -> Cow<'_, str> {
        (&self.id).into()
    }

    fn event_name(&self) -> Cow<'_, str> {
        "OrderPlaced".into()
    }

    fn validate(&self, current: Option<&Order>) -> Result<(), Refused> {
        match current {
            Some(_) => Err(Refused::Exists),
            None => Ok(()),
        }
    }

    fn emit(&self, _: Option<&Order>) -> Order {
        Order {
            customer: self.customer.clone(),
            cents: self.cents,
            paid: false,
        }
    }
}

pub struct Pay {
    pub id: String,
}

impl Command<Order> for Pay {
    type Rejection = Refused;

    fn aggregate_id(&self) -> Cow<'_, str> {
        (&self.id).into()
    }

    fn event_name(&self) -> Cow<'_, str> {
        "OrderPaid".into()
    }

    fn validate(&self, current: Option<&Order>) -> Result<(), Refused> {
        match current {
            Some(order) if !order.paid => Ok(()),
            _ => Err(Refused::NotOpen),
        }
    }

    fn emit(&self, current: Option<&Order>) -> Order {
        let order = current.expect("validate has seen it");
        Order {
            paid: true,
            ..order.clone()
        }
    }
}
