//! A handler returns something that nobody takes.

#[path = "common.rs"]
mod common;

use asynx::Event;
use common::Order;

fn main() {
    let _ = common::orders().subscribe("Order.*", |event: Event<Order>| async move { event.aggregate.cents });
}
