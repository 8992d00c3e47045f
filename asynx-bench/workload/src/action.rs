use crate::{Change, Line, Order};

/// What a client wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    Place,
    ChangeQuantity { line: u32, quantity: u32 },
    MoveOn,
    AddLine { number: u32 },
    RemoveLine { line: u32 },
}

/// Why an order refuses it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the order exists")]
    Exists,
    #[error("there is no such order")]
    NoOrder,
    #[error("there is no such line")]
    NoLine,
    #[error("the quantity is that already")]
    Unchanged,
    #[error("an order has at most six lines")]
    TooMany,
}

impl Action {
    /// The one that makes the event after so many events: first the order is placed, then quantity, status, one line more, one
    /// line less by turns.
    pub const fn at(events: u64) -> Self {
        let step = events as u32;
        match (events, events % 4) {
            (0, _) => Self::Place,
            (_, 1) => Self::ChangeQuantity {
                line: step % 5,
                quantity: 10 + step,
            },
            (_, 2) => Self::MoveOn,
            (_, 3) => Self::AddLine { number: 5 + step % 100 },
            _ => Self::RemoveLine { line: step % 5 },
        }
    }

    /// One that an order always allows, whatever came before, if `number` is a new one.
    pub const fn always(number: u64) -> Self {
        Self::ChangeQuantity {
            line: (number % 5) as u32,
            quantity: 1_000 + number as u32,
        }
    }

    pub const fn name(&self) -> &'static str {
        match self {
            Self::Place => "OrderPlaced",
            Self::ChangeQuantity { .. } => "QuantityChanged",
            Self::MoveOn => "StatusChanged",
            Self::AddLine { .. } => "LineAdded",
            Self::RemoveLine { .. } => "LineRemoved",
        }
    }

    pub fn validate(&self, current: Option<&Order>) -> Result<(), Refused> {
        match (self, current) {
            (Self::Place, None) => Ok(()),
            (Self::Place, Some(_)) => Err(Refused::Exists),
            (_, None) => Err(Refused::NoOrder),
            (Self::ChangeQuantity { line, quantity }, Some(order)) => match order.lines.get(*line as usize) {
                None => Err(Refused::NoLine),
                Some(line) if line.quantity == *quantity => Err(Refused::Unchanged),
                Some(_) => Ok(()),
            },
            (Self::MoveOn, Some(_)) => Ok(()),
            (Self::AddLine { .. }, Some(order)) if order.lines.len() >= 6 => Err(Refused::TooMany),
            (Self::AddLine { .. }, Some(_)) => Ok(()),
            (Self::RemoveLine { line }, Some(order)) if *line as usize >= order.lines.len() => Err(Refused::NoLine),
            (Self::RemoveLine { .. }, Some(_)) => Ok(()),
        }
    }

    /// What happens if it is allowed.
    ///
    /// # Errors
    /// As [`validate`](Self::validate).
    pub fn decide(&self, id: &str, current: Option<&Order>) -> Result<Change, Refused> {
        self.validate(current)?;
        Ok(match *self {
            Self::Place => Change::Placed {
                order: Order::placed(id),
            },
            Self::ChangeQuantity { line, quantity } => Change::QuantityChanged { line, quantity },
            Self::MoveOn => Change::StatusChanged {
                status: current.map_or_else(Default::default, |order| order.status.next()),
            },
            Self::AddLine { number } => Change::LineAdded {
                line: Line::sample(number as usize),
            },
            Self::RemoveLine { line } => Change::LineRemoved { line },
        })
    }

    /// The state after it.
    pub fn emit(&self, id: &str, current: Option<&Order>) -> Order {
        let change = self.decide(id, current).unwrap_or_else(|error| panic!("{error}"));
        let mut order = current.cloned().unwrap_or_default();
        order.apply(change);
        order
    }
}
