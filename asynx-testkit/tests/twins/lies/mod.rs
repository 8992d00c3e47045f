//! The proof that each assertion of the kit is needed.
//!
//! A twin here is sound but for one lie: one answer of one call is false, in one way. The lies of a suite lie in a file,
//! each as the check that must find it, the call and the falsehood: `e1_a_tombstone_moves_the_floor: heads.2 first:
//! erasing`. Two things are proven of them:
//!
//! - Each is found. Who removes an assertion lets one pass.
//! - For each assertion in the sources of the suite there is one that this assertion alone finds: with it passed over, the
//!   check is content. An assertion whose answer the check goes on with cannot be passed over; it must find one.
//!
//! Lies are named by calls, so they stay where they are when a check gets another line. When checks change, the file is
//! written anew by running the test with `LOOK_FOR_LIES=1`.

mod answer;
mod answer_of_capabilities;
mod audit;
mod script;
mod sites;

pub(crate) use answer::Lie;
pub(crate) use audit::{Ended, Seen, Suite, every_assertion_is_needed};
pub(crate) use script::{Made, Script};
