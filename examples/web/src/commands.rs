//! What can be done with an order, and when.

use std::borrow::Cow;

use asynx::Command;

use crate::domain::{Line, Order, Status};

/// The most of one article in an order.
const MOST: u32 = 99;

/// Something to do with one order.
#[derive(Debug, Clone)]
pub struct Instruction {
    pub order: String,
    pub step: Step,
}

#[derive(Debug, Clone)]
pub enum Step {
    Place { customer: String, lines: Vec<Line> },
    AddLine(Line),
    ChangeQuantity { article: String, quantity: u32 },
    Confirm,
    Ship,
    Cancel,
}

/// Why an instruction is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("there is no such order")]
    Missing,
    #[error("the order has no line of article {0:?}")]
    NoSuchLine(String),
    #[error("the order exists already")]
    Exists,
    #[error("the order is {is}; that can be done only while it is {must_be}")]
    Is { is: Status, must_be: &'static str },
    #[error("the order has a line of article {0:?} already: change its quantity")]
    LineExists(String),
    #[error("an order needs a customer")]
    NoCustomer,
    #[error("an order needs at least one line")]
    NoLines,
    #[error("a quantity must be from 1 to {MOST}, not {0}")]
    Quantity(u32),
}

impl Instruction {
    /// The order as it will be. Checks and change stand together, so that they cannot drift apart.
    pub fn outcome(&self, current: Option<&Order>) -> Result<Order, Refused> {
        if let Step::Place { customer, lines } = &self.step {
            return place(customer, lines, current);
        }
        let mut order = current.ok_or(Refused::Missing)?.clone();
        match &self.step {
            Step::Place { .. } => {}
            Step::AddLine(line) => {
                order.must_be(&[Status::Open], "open")?;
                order.add(line)?;
            }
            Step::ChangeQuantity { article, quantity } => {
                order.must_be(&[Status::Open], "open")?;
                let mut lines = order.lines.iter_mut();
                let line = lines.find(|line| line.article == *article);
                line.ok_or_else(|| Refused::NoSuchLine(article.clone()))?.quantity = checked(*quantity)?;
            }
            Step::Confirm => {
                order.must_be(&[Status::Open], "open")?;
                order.status = Status::Confirmed;
            }
            Step::Ship => {
                order.must_be(&[Status::Confirmed], "confirmed")?;
                order.status = Status::Shipped;
            }
            Step::Cancel => {
                order.must_be(&[Status::Open, Status::Confirmed], "open or confirmed")?;
                order.status = Status::Cancelled;
            }
        }
        Ok(order)
    }
}

impl Command<Order> for Instruction {
    type Rejection = Refused;

    fn aggregate_id(&self) -> Cow<'_, str> {
        (&self.order).into()
    }

    fn event_name(&self) -> Cow<'_, str> {
        match self.step {
            Step::Place { .. } => "OrderPlaced",
            Step::AddLine(_) => "LineAdded",
            Step::ChangeQuantity { .. } => "QuantityChanged",
            Step::Confirm => "OrderConfirmed",
            Step::Ship => "OrderShipped",
            Step::Cancel => "OrderCancelled",
        }
        .into()
    }

    fn validate(&self, current: Option<&Order>) -> Result<(), Refused> {
        self.outcome(current).map(drop)
    }

    fn emit(&self, current: Option<&Order>) -> Order {
        self.outcome(current).expect("validate has allowed it")
    }
}

impl Order {
    fn must_be(&self, allowed: &[Status], must_be: &'static str) -> Result<(), Refused> {
        if allowed.contains(&self.status) {
            return Ok(());
        }
        Err(Refused::Is {
            is: self.status,
            must_be,
        })
    }

    fn add(&mut self, line: &Line) -> Result<(), Refused> {
        checked(line.quantity)?;
        if self.lines.iter().any(|there| there.article == line.article) {
            return Err(Refused::LineExists(line.article.clone()));
        }
        self.lines.push(line.clone());
        Ok(())
    }
}

fn place(customer: &str, lines: &[Line], current: Option<&Order>) -> Result<Order, Refused> {
    if current.is_some() {
        return Err(Refused::Exists);
    }
    if customer.trim().is_empty() {
        return Err(Refused::NoCustomer);
    }
    if lines.is_empty() {
        return Err(Refused::NoLines);
    }
    let mut order = Order {
        customer: customer.to_owned(),
        status: Status::Open,
        lines: Vec::new(),
    };
    lines.iter().try_for_each(|line| order.add(line))?;
    Ok(order)
}

fn checked(quantity: u32) -> Result<u32, Refused> {
    match quantity {
        1..=MOST => Ok(quantity),
        _ => Err(Refused::Quantity(quantity)),
    }
}
