//! The reference store of asynx: everything in memory, for tests and for learning.
//!
//! [`MemoryStore`] keeps every law of [`Store`](asynx_core::Store) and has every capability: snapshots, the log,
//! forgetting, the lease of a sole writer, and checkpoints. It is written to be read: who wants to know what a store must do finds
//! it here in the fewest lines. One lock guards all, so nothing ever happens half; nothing outlives the process.

mod append;
mod checkpoints;
mod data;
mod erase;
mod leases;
mod log;
mod parking;
mod read;
mod snapshots;
mod store;
mod stream;
mod transactions;
mod writer;

pub use store::MemoryStore;
pub use transactions::MemoryTransaction;
