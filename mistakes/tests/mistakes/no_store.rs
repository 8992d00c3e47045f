//! The store is only told where it would be.

#[path = "common.rs"]
mod common;

fn main() {
    let _ = asynx::Asynx::<common::Order>::builder().store("orders.db");
}
