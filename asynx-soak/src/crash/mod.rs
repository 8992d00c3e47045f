//! Clients load a whole handle in processes that are killed, or whose connections or server are; afterwards
//! everything that was acknowledged must be there, once.
//!
//! A client says what it is about to send, and what was answered, before it goes on. What it said is in the pipe to the
//! process that started it, where its death does not reach it.

mod options;
mod run;

mod client;
mod doubts;
mod eager;
mod open;
mod sabotage;

mod crew;
mod ledger;
mod words;

mod phase;
mod server;
mod verdict;
mod verify;

pub(crate) use client::client;
pub(crate) use run::run;

/// The role of the processes.
pub(crate) const CLIENT: &str = "crash-client";
