//! Group commit for stores: [`Lanes`] coalesces the appends of many callers into a few lanes.
//!
//! A durable store pays for a commit, hardly for what is in it. asynx's shards compute side by side and append on their
//! own; a store that hands their groups to a few lanes, each with one append in flight, commits what queued up
//! meanwhile together. There is no timer: a lonely group is appended at once.
//!
//! ```
//! use std::sync::Arc;
//!
//! use asynx_core::Store;
//! use asynx_lanes::{LaneOptions, Lanes};
//! use asynx_store_memory::MemoryStore;
//! use asynx_testkit::{ThreadRuntime, samples};
//!
//! let store = MemoryStore::new();
//! let lanes = Lanes::new(Arc::new(ThreadRuntime), LaneOptions::default(), move |groups| {
//!     let store = store.clone();
//!     Box::pin(async move { store.append_batch(&groups).await })
//! });
//! let stream = asynx_core::StreamId::parse("order", "ORD-001")?;
//! let outcomes = ThreadRuntime.block_on(lanes.append(vec![samples::group(&stream, 1, 3)]));
//! assert_eq!(outcomes[0].applied.len(), 3);
//! # Ok::<(), asynx_core::InvalidName>(())
//! ```
//!
//! Feature `sabotage`: deliberate bugs, for the proof that the simulator finds them. Never for use.

mod batch;
pub mod inline;
mod lanes;
mod options;
mod queue;

pub use lanes::Lanes;
pub use options::LaneOptions;
