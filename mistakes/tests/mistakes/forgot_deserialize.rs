//! The state can be written and not read.

use asynx::Aggregate;
use serde::Serialize;

#[derive(Clone, Serialize)]
struct Order {
    cents: u64,
}

impl Aggregate for Order {
    const CATEGORY: &'static str = "order";
}

fn main() {}
