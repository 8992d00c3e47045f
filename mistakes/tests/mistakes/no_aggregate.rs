//! The type is not declared to be an aggregate.

struct Order;

fn main() {
    let _ = asynx::Asynx::<Order>::builder();
}
