//! What can be done with an order, and when.

use std::borrow::Cow;

use asynx::Command;

use crate::domain::{Order, Status};

/// Why a command is refused.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Refused {
    #[error("the order exists already")]
    Exists,
    #[error("there is no such order")]
    Missing,
    #[error("the total must be above 0, not {0}")]
    Total(f64),
    #[error("the order is {is}, it must be {must_be}")]
    Is { is: Status, must_be: Status },
}

pub struct CreateOrder {
    pub id: String,
    pub total: f64,
    pub items: u32,
    pub ship_to: String,
}

impl Command<Order> for CreateOrder {
    type Rejection = Refused;

    fn aggregate_id(&self) -> Cow<'_, str> {
        (&self.id).into()
    }

    fn event_name(&self) -> Cow<'_, str> {
        "OrderCreated".into()
    }

    fn validate(&self, current: Option<&Order>) -> Result<(), Refused> {
        if current.is_some() {
            return Err(Refused::Exists);
        }
        if self.total.is_nan() || self.total <= 0.0 {
            return Err(Refused::Total(self.total));
        }
        Ok(())
    }

    fn emit(&self, _: Option<&Order>) -> Order {
        Order {
            id: self.id.clone(),
            status: Status::Pending,
            total: self.total,
            items: self.items,
            ship_to: self.ship_to.clone(),
        }
    }
}

pub struct ConfirmOrder {
    pub id: String,
}

impl Command<Order> for ConfirmOrder {
    type Rejection = Refused;

    fn aggregate_id(&self) -> Cow<'_, str> {
        (&self.id).into()
    }

    fn event_name(&self) -> Cow<'_, str> {
        "OrderConfirmed".into()
    }

    fn validate(&self, current: Option<&Order>) -> Result<(), Refused> {
        must_be(Status::Pending, current)
    }

    fn emit(&self, current: Option<&Order>) -> Order {
        with_status(Status::Confirmed, current)
    }
}

pub struct ShipOrder {
    pub id: String,
}

impl Command<Order> for ShipOrder {
    type Rejection = Refused;

    fn aggregate_id(&self) -> Cow<'_, str> {
        (&self.id).into()
    }

    fn event_name(&self) -> Cow<'_, str> {
        "OrderShipped".into()
    }

    fn validate(&self, current: Option<&Order>) -> Result<(), Refused> {
        must_be(Status::Confirmed, current)
    }

    fn emit(&self, current: Option<&Order>) -> Order {
        with_status(Status::Shipped, current)
    }

    /// Little happens to an order after it was shipped: a good moment.
    fn should_snapshot(&self) -> bool {
        true
    }
}

fn must_be(wanted: Status, current: Option<&Order>) -> Result<(), Refused> {
    let order = current.ok_or(Refused::Missing)?;
    if order.status == wanted {
        return Ok(());
    }
    Err(Refused::Is {
        is: order.status,
        must_be: wanted,
    })
}

fn with_status(status: Status, current: Option<&Order>) -> Order {
    let order = current.expect("validate has seen the order").clone();
    Order { status, ..order }
}
