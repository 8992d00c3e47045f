//! Processes that are this program again: those that we start, and the one that started us.

mod interrupt;
mod owner;
mod worker;

pub(crate) use interrupt::until_interrupted;
pub(crate) use owner::{Owner, say};
pub(crate) use worker::{Said, Worker};
