//! On NATS JetStream, and beside it the same messages published in a bare loop.

mod bare;
mod recorded;
mod send;
mod servers;

pub(crate) use bare::raw;
pub(crate) use send::send;
