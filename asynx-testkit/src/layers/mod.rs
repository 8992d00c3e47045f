//! Wrappers over any store, as values. They compose: `CountingStore::new(FaultyStore::new(store, ..))` counts what
//! reaches the faulty store.

mod answer;
mod call;
mod counting;
mod five_methods;
mod gate;
mod layered;

pub use answer::{Answer, Failure};
pub use call::{Call, CallInfo};
pub use counting::{Calls, Counting, CountingStore, UnderWay};
pub use five_methods::FiveMethods;
pub use gate::{Gate, GateStore, Gated, Side};
pub use layered::{Intercept, Layered};
