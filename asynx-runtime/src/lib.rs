//! Runtimes for asynx: [`TokioRuntime`] (feature `tokio`, on by default) and [`SmolRuntime`] (feature `smol`).
//!
//! The one crate of the house that spawns tasks, sleeps, reads the clock and draws entropy. The laws R1 to R5 are those
//! of [`asynx_core::Runtime`].

#[cfg(feature = "smol")]
mod smol;
#[cfg(feature = "tokio")]
mod tokio;

#[cfg(any(feature = "smol", feature = "tokio"))]
mod clock;
#[cfg(any(feature = "smol", feature = "tokio"))]
mod entropy;

#[cfg(feature = "smol")]
pub use crate::smol::SmolRuntime;
#[cfg(feature = "tokio")]
pub use crate::tokio::{NoRuntime, TokioRuntime};
