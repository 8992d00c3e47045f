//! Faults as values: [`FaultyStore`] puts a [`FaultPlan`] over any store.
//!
//! Every fault is something that a store which keeps the laws may do to its callers; what rests on a store must bear
//! all of them. Plans are seeded: where calls come in the same order, the same faults come again.

mod fault;
mod plan;
mod store;

pub use fault::{AfterCrash, Fault};
pub use plan::{FaultPlan, Rule};
pub use store::{Fate, Faults, FaultyStore};
