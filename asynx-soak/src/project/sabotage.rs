use std::str::FromStr;

use anyhow::{Result, bail};

/// A deliberate bug of the store that the engines see, to prove that it is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sabotage {
    /// A transactional projection's checkpoint is committed before the handler's work.
    CheckpointFirst,
    /// Whoever moves a checkpoint is taken for its newest owner, and to be where the checkpoint is.
    NoFence,
    /// Who takes over one of the partitions begins at the end of the log.
    SkippedPartition,
}

impl Sabotage {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::CheckpointFirst => "checkpoint-first",
            Self::NoFence => "no-fence",
            Self::SkippedPartition => "skipped-partition",
        }
    }
}

impl FromStr for Sabotage {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> Result<Self> {
        let all = [Self::CheckpointFirst, Self::NoFence, Self::SkippedPartition];
        match all.into_iter().find(|sabotage| sabotage.name() == name) {
            Some(sabotage) => Ok(sabotage),
            None => bail!("there is no sabotage `{name}`"),
        }
    }
}
