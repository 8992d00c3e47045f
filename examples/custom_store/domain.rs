//! An account, just enough of it to have something to store.

use std::borrow::Cow;

use asynx::{Aggregate, Command};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Account {
    pub balance: i64,
}

impl Aggregate for Account {
    const CATEGORY: &'static str = "account";
}

pub struct Deposit {
    pub account: String,
    pub amount: i64,
}

impl Command<Account> for Deposit {
    type Rejection = std::convert::Infallible;

    fn aggregate_id(&self) -> Cow<'_, str> {
        (&self.account).into()
    }

    fn event_name(&self) -> Cow<'_, str> {
        "Deposited".into()
    }

    fn validate(&self, _: Option<&Account>) -> Result<(), Self::Rejection> {
        Ok(())
    }

    fn emit(&self, current: Option<&Account>) -> Account {
        Account {
            balance: current.map_or(0, |account| account.balance) + self.amount,
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("only {0} left")]
pub struct Overdrawn(i64);

pub struct Withdraw {
    pub account: String,
    pub amount: i64,
}

impl Command<Account> for Withdraw {
    type Rejection = Overdrawn;

    fn aggregate_id(&self) -> Cow<'_, str> {
        (&self.account).into()
    }

    fn event_name(&self) -> Cow<'_, str> {
        "Withdrawn".into()
    }

    fn validate(&self, current: Option<&Account>) -> Result<(), Overdrawn> {
        let balance = current.map_or(0, |account| account.balance);
        if balance < self.amount {
            Err(Overdrawn(balance))
        } else {
            Ok(())
        }
    }

    fn emit(&self, current: Option<&Account>) -> Account {
        Account {
            balance: current.map_or(0, |account| account.balance) - self.amount,
        }
    }
}
