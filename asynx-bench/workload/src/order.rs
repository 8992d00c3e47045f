use serde::{Deserialize, Serialize};

use crate::Action;

/// The aggregate: six fields, five lines.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "bitcode", derive(bitcode::Encode, bitcode::Decode))]
pub struct Order {
    pub id: String,
    pub customer: String,
    pub status: Status,
    pub note: String,
    pub total_cents: i64,
    pub lines: Vec<Line>,
}

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "bitcode", derive(bitcode::Encode, bitcode::Decode))]
pub struct Line {
    pub sku: String,
    pub name: String,
    pub quantity: u32,
    pub cents: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[cfg_attr(feature = "bitcode", derive(bitcode::Encode, bitcode::Decode))]
pub enum Status {
    #[default]
    Pending,
    Confirmed,
    Packed,
    Shipped,
}

impl Status {
    pub(crate) const fn next(self) -> Self {
        match self {
            Self::Pending => Self::Confirmed,
            Self::Confirmed => Self::Packed,
            Self::Packed => Self::Shipped,
            Self::Shipped => Self::Pending,
        }
    }
}

impl Line {
    pub fn sample(number: usize) -> Self {
        Self {
            sku: format!("SKU-{number:05}"),
            name: format!("A thing of the kind {number}"),
            quantity: 1 + (number % 3) as u32,
            cents: 250 + 10 * number as i64,
        }
    }
}

impl Order {
    pub fn placed(id: &str) -> Self {
        let lines: Vec<Line> = (0..5).map(Line::sample).collect();
        let mut order = Self {
            id: id.to_owned(),
            customer: "Ada Lovelace".to_owned(),
            status: Status::Pending,
            note: "leave it at the door".to_owned(),
            total_cents: 0,
            lines,
        };
        order.add_up();
        order
    }

    /// What must have become of an order after so many events of the workload.
    pub fn expected(id: &str, events: u64) -> Self {
        let mut order = Self::default();
        for step in 0..events {
            let change = Action::at(step).decide(id, (step > 0).then_some(&order));
            order.apply(change.unwrap_or_else(|error| panic!("the workload refuses itself: {error}")));
        }
        order
    }

    pub(crate) fn add_up(&mut self) {
        self.total_cents = self
            .lines
            .iter()
            .map(|line| i64::from(line.quantity) * line.cents)
            .sum();
    }
}
