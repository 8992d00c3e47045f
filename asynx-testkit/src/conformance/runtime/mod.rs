//! The laws of [`Runtime`](asynx_core::Runtime), as tests that any runtime can be held to.
//!
//! ```
//! use asynx_runtime::SmolRuntime;
//! use asynx_testkit::conformance::runtime::RuntimeFixture;
//!
//! struct Smol;
//!
//! impl RuntimeFixture for Smol {
//!     type Guard = ();
//!     type Runtime = SmolRuntime;
//!
//!     fn open(&self) -> ((), SmolRuntime) {
//!         ((), SmolRuntime::new())
//!     }
//! }
//!
//! asynx_testkit::runtime_conformance!(Smol);
//! ```
//!
//! [`runtime_conformance!`](crate::runtime_conformance) makes one `#[test]` of each [`Check`](super::Check), named after its law, such
//! as `r2_a_panic_stops_no_other_task`. They are for runtimes on the machine's clock: one of virtual time keeps R1, R2
//! and R5 in its own way, and R3 and R4 by another clock.

mod checks;
mod fixture;
mod law;
mod trial;

pub mod entropy;
pub mod tasks;
pub mod time;

pub use checks::{CHECKS, assert_kept};
pub use fixture::RuntimeFixture;
pub use law::LAWS;
pub use trial::Trial;
