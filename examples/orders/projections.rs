//! Who looks on: a reporter that prints, and a notifier that fills an outbox.

use std::sync::{Arc, Mutex, PoisonError};

use asynx::Event;
use asynx_examples::say;

use crate::domain::Order;

/// Prints every event.
pub async fn report(event: Event<Order>) {
    let before = match &event.previous {
        Some(order) => order.status.to_string(),
        None => "new".to_owned(),
    };
    say!(
        "[EVENT] {} - Order {}: {before} → {}",
        event.event_name,
        event.aggregate_id,
        event.aggregate.status
    );
}

/// The messages to customers and warehouse, in the order in which they came up.
#[derive(Clone, Default)]
pub struct Outbox(Arc<Mutex<Vec<String>>>);

impl Outbox {
    pub fn messages(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn push(&self, message: String) {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).push(message);
    }
}

/// Writes a message for each step of an order.
pub async fn notify(outbox: Outbox, event: Event<Order>) {
    let order = &event.aggregate_id;
    match event.event_name.as_str() {
        "OrderCreated" => outbox.push(format!("📧 Confirmation email sent to customer for order {order}")),
        "OrderConfirmed" => outbox.push(format!("🎉 Order {order} confirmed! Warehouse notified.")),
        "OrderShipped" => outbox.push(format!("📦 Order {order} shipped! Customer notified.")),
        _ => {}
    }
}
