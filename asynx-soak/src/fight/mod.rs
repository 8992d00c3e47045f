//! Two processes fight for one account, each with a whole handle that does not own it.
//!
//! What was accepted must be one stream without gaps. A rejection or a read tells the version that it rests on: that
//! version must have been the newest at some moment of the call, by the times of the calls that made it and the next.

mod options;
mod run;

mod fighter;
mod judge;
mod words;

pub(crate) use fighter::fighter;
pub(crate) use run::run;

/// The role of the processes.
pub(crate) const FIGHTER: &str = "fighter";
