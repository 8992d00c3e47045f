//! Projections that run in the transactions of appends.

mod append;
mod build;
mod erase;
mod noted;
mod state;

#[cfg(test)]
pub(crate) use append::IS_THERE;
pub(crate) use append::{Failed, Way};
pub(crate) use erase::Erased;
#[cfg(test)]
pub(crate) use erase::TOMBSTONE;
pub(crate) use state::{Inline, reading};
