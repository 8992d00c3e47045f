//! A handler keeps something of its thread across an await.

#[path = "common.rs"]
mod common;

use std::rc::Rc;

use asynx::Event;
use common::Order;

fn main() {
    let _ = common::orders().subscribe("Order.*", |event: Event<Order>| async move {
        let cents = Rc::new(event.aggregate.cents);
        std::future::ready(()).await;
        println!("{cents}");
    });
}
