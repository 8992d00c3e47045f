//! Accounts, and what can be done with one.

use std::borrow::Cow;
use std::collections::BTreeMap;

use asynx::{Aggregate, Command};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Account {
    pub cents: u64,
    pub closed: bool,
    /// What was taken for transfers that have not ended.
    pub under_way: BTreeMap<String, u64>,
}

impl Aggregate for Account {
    const CATEGORY: &'static str = "account";
}

/// Something to do with one account.
pub struct OnAccount {
    pub account: String,
    pub step: Step,
}

pub enum Step {
    Open {
        cents: u64,
        closed: bool,
    },
    Take {
        transfer: String,
        cents: u64,
    },
    Give {
        cents: u64,
    },
    /// What was taken has arrived.
    Settle {
        transfer: String,
    },
    /// What was taken could not be given to anybody.
    PutBack {
        transfer: String,
    },
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the account exists already")]
    Exists,
    #[error("there is no such account")]
    Missing,
    #[error("the account is closed")]
    Closed,
    #[error("there is not enough on it")]
    NotEnough,
    #[error("nothing was taken for the transfer")]
    NothingTaken,
}

impl OnAccount {
    fn outcome(&self, current: Option<&Account>) -> Result<Account, Refused> {
        let mut account = match (&self.step, current) {
            (Step::Open { .. }, None) => Account::default(),
            (Step::Open { .. }, Some(_)) => return Err(Refused::Exists),
            (_, current) => current.ok_or(Refused::Missing)?.clone(),
        };
        match &self.step {
            Step::Open { cents, closed } => (account.cents, account.closed) = (*cents, *closed),
            Step::Take { transfer, cents } => {
                account.cents = account.cents.checked_sub(*cents).ok_or(Refused::NotEnough)?;
                account.under_way.insert(transfer.clone(), *cents);
            }
            Step::Give { .. } if account.closed => return Err(Refused::Closed),
            Step::Give { cents } => account.cents += cents,
            Step::Settle { transfer } => {
                account.under_way.remove(transfer).ok_or(Refused::NothingTaken)?;
            }
            Step::PutBack { transfer } => {
                account.cents += account.under_way.remove(transfer).ok_or(Refused::NothingTaken)?;
            }
        }
        Ok(account)
    }
}

impl Command<Account> for OnAccount {
    type Rejection = Refused;

    fn aggregate_id(&self) -> Cow<'_, str> {
        (&self.account).into()
    }

    fn event_name(&self) -> Cow<'_, str> {
        match self.step {
            Step::Open { .. } => "Opened",
            Step::Take { .. } => "Taken",
            Step::Give { .. } => "Given",
            Step::Settle { .. } => "Settled",
            Step::PutBack { .. } => "PutBack",
        }
        .into()
    }

    fn validate(&self, current: Option<&Account>) -> Result<(), Refused> {
        self.outcome(current).map(drop)
    }

    fn emit(&self, current: Option<&Account>) -> Account {
        self.outcome(current).expect("validate has allowed it")
    }
}
