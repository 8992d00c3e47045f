//! Runs one partition of a projection: takes it, handles page after page, and lets go of it.

mod run;

mod attempt;
mod page;
mod post;
mod unfinished;

mod control;
mod tell;

pub(crate) use control::{Control, Wish};
pub(crate) use run::Runner;
