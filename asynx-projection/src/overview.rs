use std::sync::Arc;

use asynx_core::{Position, Runtime, Store, StoreError};

use crate::EngineError;
use crate::role::InUse;

/// Which version of a projection is in use, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Used {
    /// The version in use.
    pub version: u32,
    /// How many partitions it has.
    pub partitions: usize,
    /// Up to where all its partitions have handled everything.
    pub position: Option<Position>,
    /// Up to where the partition that is furthest ahead has.
    pub furthest: Option<Position>,
    /// The version that is about to take its place: somebody switches to it, and the one in use has stopped.
    pub successor: Option<u32>,
    /// The version whose place it took.
    pub before: Option<u32>,
}

/// A projection, or a partition of one, that a process runs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub struct Running {
    /// The projection.
    pub name: String,
    /// Which version of it.
    pub version: u32,
    /// Which partition, from 0.
    pub partition: usize,
    /// Out of how many.
    pub partitions: usize,
    /// What the process calls itself.
    pub holder: String,
}

/// Tells which version of a projection is in use, in whichever processes it runs; `None` where none has ever run.
///
/// # Errors
/// [`EngineError::Store`] when the store cannot be read.
///
/// # Cancel safety
/// Safe.
pub async fn in_use(store: &Arc<dyn Store>, projection: &str) -> Result<Option<Used>, EngineError> {
    let Some(used) = InUse::get(store, projection).await? else {
        return Ok(None);
    };
    let positions = used.built.positions(store, projection).await?;
    Ok(Some(Used {
        version: used.built.version,
        partitions: used.built.partitions,
        position: positions.iter().min().copied().flatten(),
        furthest: positions.into_iter().max().flatten(),
        successor: used.successor,
        before: used.before.map(|before| before.version),
    }))
}

/// Lists the projections that run now over a store, each partition with the process that runs it, in the order of their
/// names. A process that died is listed until its lease ends.
///
/// # Errors
/// [`EngineError::Store`] when the store cannot be read.
///
/// # Cancel safety
/// Safe.
pub async fn running(store: &Arc<dyn Store>, runtime: &dyn Runtime) -> Result<Vec<Running>, EngineError> {
    const PREFIX: &str = "projection:";
    let leases = store.leases();
    let leases = leases.ok_or_else(|| StoreError::permanent("the store has no leases"))?;
    let held = leases.held(PREFIX, runtime.now()).await?;
    let running = held.into_iter().filter_map(|held| {
        // A name may hold anything; the version is behind the last @.
        let (name, rest) = held.name.strip_prefix(PREFIX)?.rsplit_once('@')?;
        let (version, part) = rest.split_once('/').unwrap_or((rest, "0-1"));
        let (partition, partitions) = part.split_once('-')?;
        Some(Running {
            name: name.to_owned(),
            version: version.parse().ok()?,
            partition: partition.parse().ok()?,
            partitions: partitions.parse().ok()?,
            holder: held.holder,
        })
    });
    let mut running: Vec<Running> = running.collect();
    running.sort();
    Ok(running)
}
