//! Tests that others can trust, for who writes a store, and for who writes what rests on one.
//!
//! - [`conformance`]: the laws of stores, buses and runtimes, as tests that any can be held to.
//! - [`hosts`]: what checks run on.
//! - [`layers`]: wrappers over any store, as values: [`CountingStore`](layers::CountingStore) counts its calls,
//!   [`GateStore`](layers::GateStore) holds them until the test lets them go,
//!   [`FiveMethods`](layers::FiveMethods) hides all that a store need not have.
//! - [`faults`]: [`FaultyStore`](faults::FaultyStore) makes any store slow, failing, forgetful of its answers, late or
//!   dead, by a seeded plan.
//! - [`scenario`]: given, when, then for the commands, upcasters and handlers of a domain.
//! - [`sim`]: a deterministic runtime, with processes that can be killed.
//! - `strategies` (feature `proptest`): documents, patches and sequences of commands for property tests.
//! - [`samples`]: events with valid records.
//! - [`PlainStore`]: the least that a store can be.
//! - [`ThreadRuntime`]: a runtime of plain threads, for tests that want no other.
//!
//! # Features
//! None is on by default. `proptest` has the `strategies`; `tokio` and `smol` have [`hosts`] that run checks on them.

pub mod conformance;
pub mod faults;
pub mod hosts;
pub mod layers;
mod plain_store;
mod random;
pub mod samples;
pub mod scenario;
pub mod sim;
#[cfg(feature = "proptest")]
pub mod strategies;
mod thread_runtime;

pub use plain_store::PlainStore;
pub use random::Random;
pub use thread_runtime::ThreadRuntime;
