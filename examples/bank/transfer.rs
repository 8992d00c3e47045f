//! Transfers: what is to be done, and how far it has come. No command changes two aggregates, so what spans several
//! needs one of its own that remembers.

use std::borrow::Cow;
use std::fmt;

use asynx::{Aggregate, Command};
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Stage {
    Requested,
    /// The money has left the one account.
    Taken,
    /// It is on the other.
    Arrived,
    /// It cannot be given to anybody: it goes back.
    Failing,
    Failed,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Transfer {
    pub from: String,
    pub to: String,
    pub cents: u64,
    pub stage: Stage,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub why: Option<String>,
}

impl Aggregate for Transfer {
    const CATEGORY: &'static str = "transfer";
}

pub struct Request {
    pub id: String,
    pub from: String,
    pub to: String,
    pub cents: u64,
}

/// Notes how far a transfer has come.
pub struct Note {
    pub id: String,
    pub stage: Stage,
    pub why: Option<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    #[error("the transfer exists already")]
    Exists,
    #[error("the transfer is not where {0} could follow")]
    Order(Stage),
}

impl Command<Transfer> for Request {
    type Rejection = Refused;

    fn aggregate_id(&self) -> Cow<'_, str> {
        (&self.id).into()
    }

    fn event_name(&self) -> Cow<'_, str> {
        "TransferRequested".into()
    }

    fn validate(&self, current: Option<&Transfer>) -> Result<(), Refused> {
        current.map_or(Ok(()), |_| Err(Refused::Exists))
    }

    fn emit(&self, _: Option<&Transfer>) -> Transfer {
        Transfer {
            from: self.from.clone(),
            to: self.to.clone(),
            cents: self.cents,
            stage: Stage::Requested,
            why: None,
        }
    }
}

impl Command<Transfer> for Note {
    type Rejection = Refused;

    fn aggregate_id(&self) -> Cow<'_, str> {
        (&self.id).into()
    }

    fn event_name(&self) -> Cow<'_, str> {
        format!("Transfer{}", self.stage).into()
    }

    fn validate(&self, current: Option<&Transfer>) -> Result<(), Refused> {
        let follows = match self.stage {
            Stage::Requested => &[][..],
            Stage::Taken => &[Stage::Requested],
            Stage::Arrived => &[Stage::Taken],
            Stage::Failing => &[Stage::Requested, Stage::Taken],
            Stage::Failed => &[Stage::Failing],
        };
        match current {
            Some(transfer) if follows.contains(&transfer.stage) => Ok(()),
            _ => Err(Refused::Order(self.stage)),
        }
    }

    fn emit(&self, current: Option<&Transfer>) -> Transfer {
        let transfer = current.expect("validate has seen it").clone();
        Transfer {
            stage: self.stage,
            why: self.why.clone().or(transfer.why),
            ..transfer
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self, f)
    }
}
