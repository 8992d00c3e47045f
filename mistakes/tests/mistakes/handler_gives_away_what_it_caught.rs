//! A handler moves what it has caught into the first event's future, and has nothing for the second.

#[path = "common.rs"]
mod common;

use asynx::Event;
use common::Order;

fn main() {
    let seen = Vec::<u64>::new();
    let _ = common::orders().subscribe("Order.*", move |event: Event<Order>| async move {
        let mut seen = seen;
        seen.push(event.aggregate.cents);
    });
}
