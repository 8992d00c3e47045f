//! The in-process bus of asynx: hands durable events to handlers and streams.
//!
//! [`InProcessBus`] keeps the laws B1 to B9 of [`asynx_core::Bus`]. It sees the events of its own process only, and is
//! gone with it: what must not be missed is for a durable projection, which reads the store's log.
//!
//! An event's way: `bus` takes it, `registry` knows who wants its name (`routes` remembers), `subscribed` passes it to
//! a stream (`tap`) or to a `queue`. A queue holds the `lanes` of the aggregates, and a `worker` of it runs the
//! handler (`handling`). `forget` and `activity` serve those who wait. A bus across processes
//! builds on it: what is `reserved` is given once its place in the common order is known.
//!
//! # Features
//! - `tracing`: spans of handlers; `metrics`: figures of handlers. `docs/observability.md` lists them.
//! - `sabotage`: deliberate bugs, for the proof that the simulator finds them. Never for use.

mod activity;
mod bus;
mod forget;
mod given;
mod handling;
mod lanes;
mod queue;
mod registry;
mod reserved;
mod routes;
mod sabotage;
mod subscribed;
mod tap;
mod worker;

pub use bus::InProcessBus;
pub use reserved::Reserved;
#[cfg(feature = "sabotage")]
#[doc(hidden)]
pub use sabotage::RACE_DELIVERIES;
