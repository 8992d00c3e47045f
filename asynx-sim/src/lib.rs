//! Runs several processes of asynx over one store in a simulator, with faults, crashes and impatient callers, and
//! holds what happened against the laws: linearizable, nothing lost, nothing twice, delivered in order, forgotten for
//! good, everybody answered. A seed gives the same run again.

mod calls;
mod clients;
mod history;
mod imports;
mod laws;
mod ledger;
mod life;
mod report;
mod run;
mod sabotage;
mod scenario;
mod stores;

pub use report::{Figures, Outcome, run_seed, run_seed_without_lanes};
pub use sabotage::Sabotage;
