//! What stands in the way of appends and of readers: transactions that take their time, and such as are rolled back.

mod hindrance;
mod postgres;
mod sqlite;
mod watermark;

pub(super) use hindrance::Hinder;
pub(super) use watermark::Watermark;
