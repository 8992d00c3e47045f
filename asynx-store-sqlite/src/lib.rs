//! The embedded durable store of asynx: events, snapshots and checkpoints in one SQLite file.

mod append;
mod checkpoints;
mod database;
mod erase;
mod error;
mod growth;
mod heads;
mod insert;
mod json;
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

pub use options::{SqliteOptions, Synchronous};
pub use store::SqliteStore;
pub use transactions::SqliteTransaction;
