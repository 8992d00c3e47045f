use std::time::Duration;

use anyhow::Result;

use super::sabotage::Sabotage;
use crate::arguments::Arguments;

/// What a run is to be like.
pub(super) struct Options {
    pub(super) time: Duration,
    pub(super) store: String,
    pub(super) seed: u64,
    pub(super) sabotage: Option<Sabotage>,
    pub(super) processes: usize,
    /// In each process.
    pub(super) writers: u64,
}

impl Options {
    pub(super) fn parse(mut arguments: Arguments) -> Result<Self> {
        let options = Self {
            time: Duration::from_secs(arguments.value("--seconds")?.unwrap_or(60)),
            store: arguments.value("--store")?.unwrap_or_else(|| "postgres".to_owned()),
            seed: arguments.value("--seed")?.unwrap_or(1),
            sabotage: arguments.value("--sabotage")?,
            processes: 4,
            writers: arguments.value("--writers")?.unwrap_or(4),
        };
        arguments.end()?;
        Ok(options)
    }
}
