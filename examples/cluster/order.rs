//! An order, and what can be done with it.

use std::borrow::Cow;

use asynx::{Aggregate, Command};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Order {
    pub items: Vec<String>,
}

impl Aggregate for Order {
    const CATEGORY: &'static str = "order";
}

impl Order {
    /// What the event that led to this state has added.
    pub fn newest(&self) -> &str {
        self.items.last().map_or("", String::as_str)
    }
}

/// Adds an item; the first one begins the order.
pub struct AddItem {
    pub order: String,
    pub item: String,
}

#[derive(Debug, thiserror::Error)]
#[error("the order has this item already")]
pub struct HasItAlready;

impl Command<Order> for AddItem {
    type Rejection = HasItAlready;

    fn aggregate_id(&self) -> Cow<'_, str> {
        (&self.order).into()
    }

    fn event_name(&self) -> Cow<'_, str> {
        "ItemAdded".into()
    }

    fn validate(&self, current: Option<&Order>) -> Result<(), HasItAlready> {
        match current {
            Some(order) if order.items.contains(&self.item) => Err(HasItAlready),
            _ => Ok(()),
        }
    }

    fn emit(&self, current: Option<&Order>) -> Order {
        let mut order = current.cloned().unwrap_or_default();
        order.items.push(self.item.clone());
        order
    }
}
