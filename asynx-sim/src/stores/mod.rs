//! The shared store, and the layers through which the processes see it.

mod laned;
mod recorder;
mod transactions;
mod watch;

pub(crate) use laned::Laned;
pub(crate) use recorder::Recorder;
pub(crate) use transactions::Transactions;
pub(crate) use watch::Watch;
