//! The state cannot go from thread to thread.

use std::rc::Rc;

use asynx::Aggregate;
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
struct Order {
    customer: Rc<String>,
}

impl Aggregate for Order {
    const CATEGORY: &'static str = "order";
}

fn main() {}
