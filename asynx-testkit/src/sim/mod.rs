//! A deterministic [`Runtime`](asynx_core::Runtime): one thread, virtual time, and a scheduler, clock and entropy that
//! come from one seed.
//!
//! [`Sim`] is the machine. Each step polls one ready task, picked at random, and takes a little virtual time; with
//! nothing ready the clock jumps to the next timer. Tasks belong to a [`SimProcess`], which is what code under test is
//! given as its runtime, and which can be killed: all its tasks are dropped between two steps. Where nothing can go on,
//! [`Stuck`] tells which tasks hang. The same seed gives the same steps, which [`Sim::trace`] proves.
//!
//! ```
//! use std::time::Duration;
//!
//! use asynx_core::Runtime;
//! use asynx_testkit::sim::Sim;
//!
//! let sim = Sim::seeded(7);
//! let process = sim.process("one");
//! let began = process.now();
//! sim.block_on(process.sleep(Duration::from_secs(3_600))).unwrap();
//! assert!(process.now().as_micros() - began.as_micros() >= 3_600_000_000);
//! ```

mod machine;
mod process;
mod schedule;
mod sleep;
mod state;
mod stuck;
mod wake;

pub use machine::Sim;
pub use process::SimProcess;
pub use schedule::Schedule;
pub use stuck::{Hanging, Stuck};
