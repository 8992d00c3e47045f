//! What checks run on: threads, tokio with many threads or one, smol.
//!
//! A fixture of a store or a bus runs on plain threads unless it says otherwise. [`On`] puts it on another [`Host`], and
//! `on_every_runtime!` (features `tokio` and `smol`) on all of them.

mod host;
mod on;
#[cfg(feature = "smol")]
mod smol;
#[cfg(feature = "tokio")]
mod tokio;

pub use host::Host;
pub use on::On;
#[cfg(feature = "smol")]
pub use smol::Smol;
#[cfg(feature = "tokio")]
pub use tokio::Tokio;
