//! Projections that run in the transactions of appends.

mod append;
mod build;
mod erase;
mod noted;
mod state;

pub(crate) use append::Failed;
pub(crate) use state::{Inline, Reading, Tx};
