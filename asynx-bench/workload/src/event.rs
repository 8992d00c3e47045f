use serde::{Deserialize, Serialize};

use crate::{Line, Order, Status};

/// What happened, as libraries want it whose users write events by hand.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    Placed { order: Order },
    QuantityChanged { line: u32, quantity: u32 },
    StatusChanged { status: Status },
    LineAdded { line: Line },
    LineRemoved { line: u32 },
}

impl Change {
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Placed { .. } => "OrderPlaced",
            Self::QuantityChanged { .. } => "QuantityChanged",
            Self::StatusChanged { .. } => "StatusChanged",
            Self::LineAdded { .. } => "LineAdded",
            Self::LineRemoved { .. } => "LineRemoved",
        }
    }
}

impl Order {
    pub fn apply(&mut self, change: Change) {
        match change {
            Change::Placed { order } => *self = order,
            Change::QuantityChanged { line, quantity } => {
                self.lines[line as usize].quantity = quantity;
                self.add_up();
            }
            Change::StatusChanged { status } => self.status = status,
            Change::LineAdded { line } => {
                self.lines.push(line);
                self.add_up();
            }
            Change::LineRemoved { line } => {
                self.lines.remove(line as usize);
                self.add_up();
            }
        }
    }
}
