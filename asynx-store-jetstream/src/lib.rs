//! The replicated store of asynx: events in [NATS JetStream](https://docs.nats.io/nats-concepts/jetstream), on one server or
//! on a cluster of three or five.
//!
//! ```no_run
//! use asynx_store_jetstream::{JetStreamOptions, JetStreamStore};
//!
//! # async fn open() -> Result<(), asynx_core::StoreError> {
//! let options = JetStreamOptions::new().with_stream("shop").with_replicas(3);
//! let store = JetStreamStore::connect_with("nats://a:4222,nats://b:4222,nats://c:4222", options).await?;
//! # drop(store);
//! # Ok(())
//! # }
//! ```
//!
//! It needs nats-server 2.12 or newer and runs on tokio, as the client does. `docs/jetstream.md` tells what is replicated,
//! what is not promised, and when to prefer PostgreSQL.

mod append;
mod checkpoints;
mod config;
mod erase;
mod error;
mod fence;
mod follow;
mod head;
mod journal;
mod keys;
mod known;
mod leases;
mod log;
mod message;
mod names;
mod open;
mod options;
mod parking;
mod read;
mod row;
mod snapshots;
mod store;
mod wire;

pub use options::{JetStreamOptions, Storage};
pub use store::JetStreamStore;
