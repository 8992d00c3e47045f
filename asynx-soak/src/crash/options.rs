use std::time::Duration;

use anyhow::{Result, bail};

use super::sabotage::Sabotage;
use crate::arguments::Arguments;
use crate::database::STORES;

/// A call to the store and the settling of its outcome have half a minute each.
const PATIENCE: Duration = Duration::from_secs(75);

/// What is to crash, and how often.
pub(super) struct Options {
    pub(super) stores: Vec<&'static str>,
    pub(super) seed: u64,
    pub(super) sabotage: Option<Sabotage>,
    /// How long a call may take.
    pub(super) patience: Duration,
    /// How often a process is killed.
    pub(super) rounds: u64,
    /// How often one of two is killed.
    pub(super) beside: u64,
    /// How often connections are terminated, for a while.
    pub(super) storms: u64,
    /// How often the server is restarted.
    pub(super) restarts: u64,
    /// How often servers and a process are killed together.
    pub(super) both: u64,
}

impl Options {
    pub(super) fn parse(mut arguments: Arguments) -> Result<Self> {
        let store: String = arguments.value("--store")?.unwrap_or_else(|| "all".to_owned());
        let stores: Vec<_> = STORES
            .into_iter()
            .filter(|known| store == "all" || known.split('-').next() == Some(&store) || store == *known)
            .collect();
        if stores.is_empty() {
            bail!("`{store}` is no store: {} are, and all", STORES.join(", "));
        }
        let rounds = arguments.value("--rounds")?.unwrap_or(50);
        let options = Self {
            stores,
            seed: arguments.value("--seed")?.unwrap_or(1),
            sabotage: arguments.value("--sabotage")?,
            patience: arguments.value("--patience")?.map_or(PATIENCE, Duration::from_secs),
            rounds,
            beside: arguments.value("--beside")?.unwrap_or(rounds.div_ceil(5)),
            storms: arguments.value("--storms")?.unwrap_or(5),
            restarts: arguments.value("--restarts")?.unwrap_or(5),
            both: arguments.value("--both")?.unwrap_or(rounds.div_ceil(5)),
        };
        arguments.end()?;
        Ok(options)
    }
}
