//! The server store of asynx: events in PostgreSQL 14 or newer, with a log that loses nothing.
//!
//! [`PostgresStore`] has every capability: true batch appends, snapshots, the log, forgetting, leases of sole writers,
//! and checkpoints. Any number of processes may share a database.
//!
//! ```no_run
//! # async fn example() -> Result<(), asynx_core::StoreError> {
//! use asynx_store_postgres::PostgresStore;
//!
//! let store = PostgresStore::connect("postgres://user:password@localhost/orders").await?;
//! # Ok(()) }
//! ```
//!
//! It makes its tables itself, in a schema of its own; see [`PostgresOptions`] for other ways. What the tables are, how
//! to size and back up the database, and what a long transaction does to readers of the log is told in
//! `docs/postgres.md`.
//!
//! # Features
//! - `tokio` (default), `smol`: what the store runs on.
//! - `tls-rustls`: TLS by rustls, with the certificates of the operating system; `tls-native-tls`: by its library. Without
//!   one of them there is no TLS.
//! - `metrics`: the age of the watermark as a figure.

mod options;
mod store;
mod watermark;

mod append;
mod bare;
mod checkpoints;
mod erase;
mod follow;
mod inline;
mod leases;
mod log;
mod parking;
mod read;
mod snapshots;
mod transactions;
mod writer;

mod connections;
mod connector;
mod error;
mod fences;
mod lane_connections;
mod names;
mod pool;
mod schema;
mod statements;

pub use asynx_lanes::LaneOptions;
#[doc(hidden)]
pub use bare::{BareAppend, bare_append};
pub use options::{Migrate, PostgresOptions};
pub use schema::print_schema;
pub use store::PostgresStore;
pub use watermark::{Blocker, Watermark};
