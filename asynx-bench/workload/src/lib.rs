//! What all benchmarks share, so that they do the same: the orders and what is done to them, the clients that do it, the
//! clock, and the figures as JSON lines.

mod action;
mod event;
mod order;

mod clients;
mod random;
mod system;

mod arguments;
mod clock;
mod report;

pub use action::{Action, Refused};
pub use arguments::Arguments;
pub use clients::{Beforehand, Load, Measured, run};
pub use clock::{median, per_second, time};
pub use event::Change;
pub use order::{Line, Order, Status};
pub use random::Random;
pub use report::Report;
pub use system::System;
