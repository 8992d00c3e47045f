//! On PostgreSQL, and beside it bare statements on the same tables.

mod bare;
mod fill;
mod lonely;
mod reading;
mod send;
mod statement;

pub(crate) use lonely::lonely;
pub(crate) use reading::{catch_up, projection, replay};
pub(crate) use send::send;
pub(crate) use statement::statement;
