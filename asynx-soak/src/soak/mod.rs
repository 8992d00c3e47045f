//! Several processes append, others follow the log; at the end what was acknowledged is compared with what was given.
//!
//! A writer reports each acknowledged append to the process that started all; a reader keeps what it was given. Some
//! readers follow without interruption, others go on from any position that a reader was ever given. Meanwhile
//! transactions of others are held open and appends are rolled back; of JetStream servers are killed and connections cut.

mod options;
mod run;

mod append;
mod find_out;
mod plan;
mod write;

mod follow;
mod naive;
mod read;
mod restart;
mod sabotage;
mod seen;

mod compare;
mod crew;
mod given;
mod hinder;
mod ledger;

pub(crate) use append::Writer;
pub(crate) use plan::Plan;
pub(crate) use read::read;
pub(crate) use run::run;
pub(crate) use write::write;

/// The roles of the processes.
pub(crate) const WRITER: &str = "soak-writer";
pub(crate) const READER: &str = "soak-reader";
