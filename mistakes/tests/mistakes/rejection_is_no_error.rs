//! The rejection is a text.

#[path = "common.rs"]
mod common;

use std::borrow::Cow;

use asynx::Command;
use common::Order;

struct Pay;

impl Command<Order> for Pay {
    type Rejection = String;
    fn aggregate_id(&self) -> Cow<'_, str> {
        "ORD-1".into()
    }
    fn event_name(&self) -> Cow<'_, str> {
        "OrderPaid".into()
    }
    fn validate(&self, _: Option<&Order>) -> Result<(), String> {
        Err("no".to_owned())
    }
    fn emit(&self, _: Option<&Order>) -> Order {
        Order { cents: 0 }
    }
}

fn main() {}
