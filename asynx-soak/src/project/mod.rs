//! Processes append and run projections, and are killed and paused for longer than their leases. At the end the tables
//! that the projections wrote are compared with the log, both read by plain SQL.

mod options;
mod run;

mod crew;
mod hinder;
mod member;

mod engine;
mod linger;
mod model;
mod sabotage;
mod seen;
mod work;

mod judge;
mod table;
mod tables;

pub(crate) use run::run;
pub(crate) use work::work;

/// The role of the processes.
pub(crate) const WORKER: &str = "projections-worker";
