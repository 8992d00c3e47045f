//! The aggregate has no category.

use asynx::Aggregate;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
struct Order {
    cents: u64,
}

impl Aggregate for Order {}

fn main() {}
