//! What stands in the way of appends and of readers: transactions that take their time, and such as are rolled back; of
//! JetStream servers that are killed, and connections that are cut.

mod done;
mod hindrance;
mod jetstream;
mod postgres;
mod probe;
mod sqlite;
mod watermark;

pub(super) use hindrance::Hinder;
pub(super) use watermark::Watermark;
