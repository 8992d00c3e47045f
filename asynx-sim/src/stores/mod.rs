//! The shared store, and the layers through which the processes see it.

mod recorder;
mod watch;

pub(crate) use recorder::Recorder;
pub(crate) use watch::Watch;
