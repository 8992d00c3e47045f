//! The write path of asynx: shards, cache, group commit, conflicts, unknown outcomes, forget, shutdown.
//!
//! Services use it through `asynx`. The laws that it keeps are in `docs/guarantees.md`.
//!
//! How a command travels, file by file: [`Sending`] describes it and queues it on its shard; `shard` takes what waits,
//! `load` and `fold` get the states, `group` runs the commands, `commit` appends, `settle` finds out what became of
//! appends whose answer was lost; `reader` answers reads; `forget` erases.
//!
//! # Features
//! - `tracing`: spans of commands, loads and appends; `metrics`: figures of the write path. `docs/observability.md` lists
//!   them.
//! - `sabotage`: deliberate bugs, for the proof that the simulator finds them. Never for use.

mod accept;
mod cache;
mod calls;
mod commit;
mod forget;
mod group;
mod held;
mod history;
mod lease;
mod load;
mod options;
mod prepare;
mod processor;
mod queue;
mod reader;
mod route;
mod sabotage;
mod sending;
mod settle;
mod shard;
mod shared;
mod shutdown;
mod snapshots;
mod spare;
mod tasks;
mod verify;
mod work;

pub use options::{Options, Overflow};
pub use processor::{Parts, Processor, StartError, WeakProcessor};
#[cfg(feature = "sabotage")]
#[doc(hidden)]
pub use sabotage::Sabotage;
pub use sending::Sending;
