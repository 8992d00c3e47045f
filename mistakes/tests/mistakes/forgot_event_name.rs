//! The command does not name its event.

#[path = "common.rs"]
mod common;

use std::borrow::Cow;

use asynx::Command;
use common::Order;

struct Pay;

impl Command<Order> for Pay {
    type Rejection = std::convert::Infallible;
    fn aggregate_id(&self) -> Cow<'_, str> {
        "ORD-1".into()
    }
    fn validate(&self, _: Option<&Order>) -> Result<(), Self::Rejection> {
        Ok(())
    }
    fn emit(&self, _: Option<&Order>) -> Order {
        Order { cents: 0 }
    }
}

fn main() {}
