use std::borrow::Cow;

use asynx::{Aggregate, Command};
use serde::{Deserialize, Serialize};

/// The aggregate: an order as it stands.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Order {
    pub customer: String,
    pub cents: u64,
    pub status: Status,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub enum Status {
    Open,
    Paid,
}

impl Aggregate for Order {
    const CATEGORY: &'static str = "order";
}

/// Why the shop says no.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Refused {
    #[error("the order exists already")]
    Exists,
    #[error("there is no such order")]
    Missing,
    #[error("the order is {0:?}, it must be Open")]
    NotOpen(Status),
    #[error("{due} cents are due, not {paid}")]
    WrongAmount { due: u64, paid: u64 },
}

pub struct Place {
    pub id: String,
    pub customer: String,
    pub cents: u64,
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
            status: Status::Open,
        }
    }
}

pub struct Pay {
    pub id: String,
    pub cents: u64,
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
        let order = current.ok_or(Refused::Missing)?;
        if order.status != Status::Open {
            return Err(Refused::NotOpen(order.status));
        }
        if order.cents != self.cents {
            let (due, paid) = (order.cents, self.cents);
            return Err(Refused::WrongAmount { due, paid });
        }
        Ok(())
    }

    fn emit(&self, current: Option<&Order>) -> Order {
        let order = current.expect("validate has seen it");
        Order {
            status: Status::Paid,
            ..order.clone()
        }
    }
}
