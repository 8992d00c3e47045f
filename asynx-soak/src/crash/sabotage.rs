use std::str::FromStr;

use anyhow::{Result, bail};

/// A deliberate bug of clients, to prove that it is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sabotage {
    /// The store acknowledges appends before it makes them.
    Early,
    /// Idempotency keys are not passed on.
    Keyless,
    /// One call of each process is never answered.
    Mute,
}

impl Sabotage {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::Early => "early",
            Self::Keyless => "keyless",
            Self::Mute => "mute",
        }
    }
}

impl FromStr for Sabotage {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> Result<Self> {
        let all = [Self::Early, Self::Keyless, Self::Mute];
        match all.into_iter().find(|sabotage| sabotage.name() == name) {
            Some(sabotage) => Ok(sabotage),
            None => bail!("there is no sabotage `{name}`"),
        }
    }
}
