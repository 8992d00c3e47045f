//! The laws of [`Store`](asynx_core::Store) and its capabilities, as tests that any store can be held to. Those of buses
//! are in [`bus`], those of runtimes in [`runtime`].
//!
//! A store is born by passing them:
//!
//! ```
//! use asynx_store_memory::MemoryStore;
//! use asynx_testkit::conformance::StoreFixture;
//!
//! struct Memory;
//!
//! impl StoreFixture for Memory {
//!     type Guard = ();
//!     type Store = MemoryStore;
//!
//!     async fn open(&self) -> ((), MemoryStore) {
//!         ((), MemoryStore::new())
//!     }
//! }
//!
//! asynx_testkit::store_conformance!(Memory);
//! ```
//!
//! [`store_conformance!`](crate::store_conformance) makes one `#[test]` of each [`Check`], named after its law, such
//! as `s1_taken_versions_conflict`. They may run in parallel on one database: each works on streams of its own.
//! Nothing is skipped: a capability that the fixture does not declare must refuse, and that is what its laws check then.
//! A store that several processes may share opens [`another`](StoreFixture::another) handle, and the laws are checked
//! across both. `on_every_runtime!` (features `tokio` and `smol`) makes the tests on each runtime.
#![expect(clippy::missing_errors_doc, reason = "every check answers the law that was broken")]

mod audit;
mod capability;
mod check;
mod checks;
mod fixture;
mod in_memory;
mod law;
mod staging;
mod trial;
mod witness;

pub mod bus;
pub mod runtime;

pub mod append;
pub mod cancel;
pub mod checkpoints;
pub mod delete;
pub mod erase;
pub mod grouped;
pub mod handles;
pub mod ids;
pub mod leases;
pub mod log;
pub mod log_follow;
pub mod log_held;
pub mod names;
pub mod parking;
pub mod read;
pub mod snapshots;
pub mod transactions;
pub mod writer;

#[doc(hidden)]
pub use audit::{Audit, CameTo, Site};
pub use capability::Capabilities;
pub use check::Check;
pub use checks::{CHECKS, assert_kept};
pub use fixture::{HeldAppend, LeaseLoser, SlowTransactions, StoreFixture};
pub use in_memory::InMemory;
pub use law::{LAWS, Law, LawBroken};
pub use staging::{AnyTransaction, AnyTransactions, WithTransactions};
pub use trial::Trial;
pub use witness::Witness;
