//! The embedded durable store of asynx: events, snapshots and checkpoints in one SQLite file.
//!
//! [`SqliteStore`] keeps every law of [`Store`](asynx_core::Store) and has every capability: appends of many aggregates
//! in one transaction, snapshots, a log that loses nothing, forgetting, the lease of a sole writer, checkpoints, parking,
//! and [transactions](SqliteTransaction) for what readers of the log write. Several processes may share a file.
//!
//! ```
//! # #[cfg(feature = "tokio")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use asynx_core::store::{LogFilter, LogQuery};
//! use asynx_core::{Store, StreamId, Version};
//! use asynx_store_sqlite::SqliteStore;
//! use asynx_testkit::samples;
//!
//! # let folder = std::env::temp_dir().join(format!("asynx-sqlite-doc-{}", std::process::id()));
//! # std::fs::create_dir_all(&folder)?;
//! # let path = folder.join("orders.db");
//! let store = SqliteStore::open(&path).await?;
//! let order = StreamId::parse("order", "ORD-001")?;
//!
//! // As asynx does it: events of a stream, appended at its head. Durable when it is answered.
//! let position = store.append(&order, samples::event(1)).await?;
//! assert_eq!(store.count(&order, Version::FIRST).await?, 1);
//!
//! // Another handle, here or in another process, sees it, and nothing comes before it any more.
//! let other = SqliteStore::open(&path).await?;
//! let all = LogQuery { after: None, filter: LogFilter::default(), max_events: 100, max_bytes: 1 << 20 };
//! let page = other.log().expect("there is one").read(&all).await?;
//! assert_eq!(page.next, position);
//! # drop((store, other));
//! # std::fs::remove_dir_all(&folder)?;
//! # Ok(()) }
//! # #[cfg(not(feature = "tokio"))]
//! # fn main() {}
//! ```
//!
//! Programs give the store to the builder of `asynx`, which has this crate under the feature `sqlite`.
//!
//! How it works, in four lines: one connection writes and a few read, each a thread of the driver. Appends of all callers
//! queue up in one [lane](asynx_lanes) and are committed together. Each transaction begins by `BEGIN IMMEDIATE`, looks at
//! heads, ids and leases in one statement, and stores in one more. The log needs no watermark, because SQLite lets one
//! transaction write at a time, in whatever process: positions are in the order of commits.
//!
//! Tables, sizes, settings, backups and what errors mean: `docs/sqlite.md`.
//!
//! # Features
//! - `tokio` (default): [`SqliteStore::open`] takes the tokio runtime that it is called in.
//! - `smol`: it takes smol where there is no tokio.
//! - Neither: give a runtime by [`SqliteOptions::with_runtime`]. The driver itself needs none.

mod append;
mod checkpoints;
mod database;
mod erase;
mod error;
mod growth;
mod heads;
mod inline;
mod insert;
mod json;
mod lag;
mod leases;
mod load;
mod location;
mod lock_file;
mod log;
mod named_leases;
mod options;
mod page;
mod parking;
mod patience;
mod plan;
mod pool;
mod read;
mod row;
mod schema;
mod snapshots;
mod statement;
mod store;
mod term;
mod transactions;
mod write;
mod writer;

#[cfg(test)]
mod tests;

pub use options::{SqliteOptions, Synchronous};
pub use store::SqliteStore;
pub use transactions::SqliteTransaction;
