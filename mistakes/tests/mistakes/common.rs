//! What the mistakes are made with.

use std::borrow::Cow;

use asynx::{Aggregate, Asynx, Command};
use serde::{Deserialize, Serialize};

#[derive(Clone, Serialize, Deserialize)]
pub struct Order {
    pub cents: u64,
}

impl Aggregate for Order {
    const CATEGORY: &'static str = "order";
}

#[derive(Clone, Serialize, Deserialize)]
pub struct Account;

impl Aggregate for Account {
    const CATEGORY: &'static str = "account";
}

pub struct OpenAccount;

impl Command<Account> for OpenAccount {
    type Rejection = std::convert::Infallible;
    fn aggregate_id(&self) -> Cow<'_, str> {
        "A-1".into()
    }
    fn event_name(&self) -> Cow<'_, str> {
        "AccountOpened".into()
    }
    fn validate(&self, _: Option<&Account>) -> Result<(), Self::Rejection> {
        Ok(())
    }
    fn emit(&self, _: Option<&Account>) -> Account {
        Account
    }
}

pub fn orders() -> Asynx<Order> {
    unimplemented!()
}

pub fn accounts() -> Asynx<Account> {
    unimplemented!()
}
