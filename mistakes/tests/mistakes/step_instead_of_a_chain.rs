//! One step is given where a chain is wanted.

#[path = "common.rs"]
mod common;

use asynx::upcast::rename;

fn main() {
    let _ = asynx::Asynx::<common::Order>::builder().upcast(rename("/total", "cents"));
}
