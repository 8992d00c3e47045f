//! The shared store, and the layers through which the processes see it.

mod five;
mod plain;
mod recorder;
mod watch;

pub(crate) use five::FiveMethods;
pub(crate) use plain::PlainStore;
pub(crate) use recorder::Recorder;
pub(crate) use watch::Watch;
