//! Scenarios say yes to what is right, and no to everything else, readably.

#![expect(clippy::unwrap_used, reason = "a test says by it what it expects")]

mod domain;

mod accepted;
mod events;
mod model;
mod refused;
mod unsound;
mod upcast;
