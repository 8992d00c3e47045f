use std::time::Duration;

use anyhow::Result;

use crate::arguments::Arguments;

/// What a fight is to be like.
pub(super) struct Options {
    pub(super) time: Duration,
    pub(super) store: String,
    pub(super) seed: u64,
    /// A deliberate bug of asynx itself, for all processes.
    pub(super) sabotage: Option<String>,
}

impl Options {
    pub(super) fn parse(mut arguments: Arguments) -> Result<Self> {
        let options = Self {
            time: Duration::from_secs(arguments.value("--seconds")?.unwrap_or(20)),
            store: arguments.value("--store")?.unwrap_or_else(|| "postgres".to_owned()),
            seed: arguments.value("--seed")?.unwrap_or(1),
            sabotage: arguments.value("--sabotage")?,
        };
        arguments.end()?;
        Ok(options)
    }
}
