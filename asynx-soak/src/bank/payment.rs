use std::borrow::Cow;

use asynx_core::Command;

use super::Account;

/// Pays into an account, or draws from it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Payment {
    pub(crate) account: String,
    /// Tells this payment from all others.
    pub(crate) token: String,
    pub(crate) amount: i64,
}

/// There is not enough on the account: by the state that this was found on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("only {balance} left at version {turn}")]
pub(crate) struct Overdrawn {
    pub(crate) balance: i64,
    pub(crate) turn: u64,
}

impl Command<Account> for Payment {
    type Rejection = Overdrawn;

    fn aggregate_id(&self) -> Cow<'_, str> {
        (&self.account).into()
    }

    fn event_name(&self) -> Cow<'_, str> {
        if self.amount < 0 { "Drawn" } else { "Paid" }.into()
    }

    fn validate(&self, current: Option<&Account>) -> Result<(), Overdrawn> {
        let (balance, turn) = current.map_or((0, 0), |account| (account.balance, account.turn));
        if balance + self.amount < 0 {
            return Err(Overdrawn { balance, turn });
        }
        Ok(())
    }

    fn emit(&self, current: Option<&Account>) -> Account {
        let (balance, turn) = current.map_or((0, 0), |account| (account.balance, account.turn));
        Account {
            balance: balance + self.amount,
            turn: turn + 1,
            token: self.token.clone(),
        }
    }
}
