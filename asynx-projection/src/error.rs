use std::time::Duration;

use asynx_core::{Position, StoreError};

/// Why a projection cannot be run, or something cannot be done with it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EngineError {
    /// The store lacks what projections need.
    #[error("the store has no {missing}, which projections need; choose another store, or another one for these")]
    Lacking {
        /// What it lacks.
        missing: &'static str,
    },
    /// The name cannot be one.
    #[error("the projection's name {name:?} has {} bytes: 1 to 120 are allowed, of any characters but NUL", name.len())]
    Name {
        /// The name.
        name: String,
    },
    /// The process cannot be called that in leases.
    #[error("the holder {holder:?} has {} bytes: 1 to 100 are allowed, of any characters but NUL", holder.len())]
    Holder {
        /// What it was to be called.
        holder: String,
    },
    /// A projection cannot be run like that.
    #[error("the option {option} of the projection {reason}")]
    Option {
        /// The option.
        option: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// This engine runs it already.
    #[error("this engine already runs version {version} of the projection {name:?}; stop that first")]
    Running {
        /// The name.
        name: String,
        /// The version.
        version: u32,
    },
    /// The event is not put aside, or not any more.
    #[error("no event at {position} is put aside by the projection {name:?}")]
    NotParked {
        /// The projection.
        name: String,
        /// Where the event was looked for.
        position: Position,
    },
    /// The projection could not handle the event this time either; it stays aside.
    #[error("the projection {name:?} still cannot handle the event at {position}, it stays aside: {reason}")]
    StillPoison {
        /// The projection.
        name: String,
        /// Where the event is.
        position: Position,
        /// What the handler said.
        reason: String,
    },
    /// Another event of that partition, or this one, is being given to the projection again.
    #[error("somebody else gives the projection {name:?} an event again; try that at {position} when it is done")]
    Busy {
        /// The projection.
        name: String,
        /// Where the event is.
        position: Position,
    },
    /// A newer version is in use, or about to be.
    #[error("version {version} of the projection {name:?} is of no use any more: version {by} has taken its place")]
    Replaced {
        /// The projection.
        name: String,
        /// The version that was asked for.
        version: u32,
        /// The one in use.
        by: u32,
    },
    /// The version is in use, so it is not removed.
    #[error("version {version} of the projection {name:?} is in use; switch to another one first")]
    StillInUse {
        /// The projection.
        name: String,
        /// The version.
        version: u32,
    },
    /// The version in use has not come beyond all that this one had handled, which its checkpoints tell.
    #[error("version {version} of the projection {name:?} is needed until version {by} is beyond it; try again soon")]
    StillNeeded {
        /// The projection.
        name: String,
        /// The version.
        version: u32,
        /// The one in use.
        by: u32,
    },
    /// The projection itself failed when it was switched or removed.
    #[error("the projection {name:?} failed: {reason}")]
    Hook {
        /// The projection.
        name: String,
        /// What it said.
        reason: String,
    },
    /// The projection has not come that far in time.
    #[error("the projection {name:?} had not come to {position} within {timeout:?}; its status tells why")]
    Behind {
        /// The projection.
        name: String,
        /// Up to where it should have come.
        position: Position,
        /// How long it was waited for.
        timeout: Duration,
    },
    /// The event is of a store without a log.
    #[error("the event has no place in a log, so no projection can have handled it; choose a store with a log")]
    NoPosition,
    /// The store failed.
    #[error("the store failed: {source}")]
    Store {
        /// What it said.
        #[from]
        source: StoreError,
    },
}
