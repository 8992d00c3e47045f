//! What an order is.

use std::fmt;

use asynx::Aggregate;
use serde::{Deserialize, Serialize};

/// Where an order stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Status {
    Pending,
    Confirmed,
    Shipped,
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Order {
    pub id: String,
    pub status: Status,
    pub total: f64,
    pub items: u32,
    pub ship_to: String,
}

impl Aggregate for Order {
    const CATEGORY: &'static str = "order";
}
