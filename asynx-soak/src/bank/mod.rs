//! What crashes and fights are about: accounts that many pay into and draw from.

mod account;
mod handle;
mod payment;

pub(crate) use account::Account;
pub(crate) use handle::{handle, sabotaged};
pub(crate) use payment::Payment;
