//! What clients see of orders and events.

use asynx::Event;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::domain::{Line, Order, Status};

#[derive(Debug, Clone, Serialize)]
pub struct View {
    pub id: String,
    pub version: u64,
    pub customer: String,
    pub status: Status,
    pub total_cents: u64,
    pub lines: Vec<Line>,
}

impl View {
    pub fn of(event: &Event<Order>) -> Self {
        let order = &event.aggregate;
        Self {
            id: event.aggregate_id.to_string(),
            version: event.version.get(),
            customer: order.customer.clone(),
            status: order.status,
            total_cents: order.total_cents(),
            lines: order.lines.clone(),
        }
    }
}

/// One event: what happened when, and the JSON Patch that led to it, as it is stored.
#[derive(Debug, Serialize)]
pub struct Happened {
    pub version: u64,
    pub event: String,
    pub at: String,
    pub patch: Box<RawValue>,
}

impl Happened {
    pub fn of(event: &Event<Order>) -> Self {
        Self {
            version: event.version.get(),
            event: event.event_name.to_string(),
            at: event.occurred_at.to_string(),
            patch: RawValue::from_string(event.patch_json().to_owned()).unwrap_or_default(),
        }
    }
}
