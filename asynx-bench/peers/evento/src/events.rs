//! The events, in evento's way: an enum that becomes a struct for each.

use bench_workload::{Line, Order, Status};

#[evento::aggregate(name = "bench/Order")]
pub enum OrderEvents {
    OrderPlaced { order: Order },
    QuantityChanged { line: u32, quantity: u32 },
    StatusChanged { status: Status },
    LineAdded { line: Line },
    LineRemoved { line: u32 },
}
