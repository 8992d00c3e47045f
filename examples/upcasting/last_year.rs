//! What the program was last year: schema 1. Only its events are left.

use std::borrow::Cow;
use std::convert::Infallible;

use asynx::{Aggregate, Command};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Customer {
    pub name: String,
    pub mail: String,
    pub street: String,
}

impl Aggregate for Customer {
    const CATEGORY: &'static str = "customer";
}

pub struct Register(pub Customer);

pub struct Move(pub &'static str);

impl Command<Customer> for Register {
    type Rejection = Infallible;

    fn aggregate_id(&self) -> Cow<'_, str> {
        "C-1".into()
    }

    fn event_name(&self) -> Cow<'_, str> {
        "Registered".into()
    }

    fn validate(&self, _: Option<&Customer>) -> Result<(), Infallible> {
        Ok(())
    }

    fn emit(&self, _: Option<&Customer>) -> Customer {
        self.0.clone()
    }
}

impl Command<Customer> for Move {
    type Rejection = Infallible;

    fn aggregate_id(&self) -> Cow<'_, str> {
        "C-1".into()
    }

    fn event_name(&self) -> Cow<'_, str> {
        "Moved".into()
    }

    fn validate(&self, _: Option<&Customer>) -> Result<(), Infallible> {
        Ok(())
    }

    fn emit(&self, current: Option<&Customer>) -> Customer {
        let customer = current.expect("the customer is registered").clone();
        Customer {
            street: self.0.to_owned(),
            ..customer
        }
    }
}
