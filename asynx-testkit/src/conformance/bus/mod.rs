//! The laws of [`Bus`](asynx_core::Bus), as tests that any bus can be held to.
//!
//! ```
//! use std::sync::Arc;
//!
//! use asynx_bus::InProcessBus;
//! use asynx_core::{Runtime, bus::Hooks};
//! use asynx_testkit::conformance::bus::{BusFixture, Probe};
//!
//! struct InProcess;
//!
//! impl BusFixture for InProcess {
//!     type Guard = ();
//!     type Bus = InProcessBus<Probe>;
//!
//!     async fn open(&self, runtime: Arc<dyn Runtime>, hooks: Hooks<Probe>) -> ((), InProcessBus<Probe>) {
//!         ((), InProcessBus::new(runtime, hooks))
//!     }
//! }
//!
//! asynx_testkit::bus_conformance!(InProcess);
//! ```
//!
//! [`bus_conformance!`](crate::bus_conformance) makes one `#[test]` of each [`Check`](super::Check), named after its law, such as
//! `b2_one_aggregate_in_order`. Handlers wait until the check answers them, so that little depends on how fast a bus is;
//! what must not happen is given a fraction of the [patience](BusFixture::patience) to happen all the same.

mod checks;
mod fixture;
mod law;
mod probe;
mod trial;

pub mod context;
pub mod delivery;
pub mod ending;
pub mod failure;
pub mod forget;
pub mod given;
pub mod order;

pub use checks::{CHECKS, assert_kept};
pub use fixture::BusFixture;
pub use law::LAWS;
pub use probe::Probe;
pub use trial::Trial;
