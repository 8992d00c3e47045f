//! Durable projections and subscriptions: they read the log of a store from a checkpoint, catch up, follow live, and lose
//! nothing.
//!
//! The in-process bus is for reacting now; what must not be missed is read from the log. A [`Projection`] is given what
//! happened in the order of the log. Its checkpoint moves after its handler (at least once), or in the handler's own
//! transaction ([`TransactionalProjection`], exactly once). An [`Engine`] runs many projections: each in one process at
//! a time, or in partitions that are spread over processes; it tries again what failed, puts aside what cannot be
//! handled, tells how far each has come, and stops in order.
//!
//! [`subscribe`] is the stream beneath: no checkpoint, no engine. [`testing`] gives a projection events in a test.
//!
//! # Features
//! - `tracing`: spans of handlers; `metrics`: figures: lag, events, failures. `docs/observability.md` lists them.

mod engine;
mod error;
mod handle;
mod inline;
mod options;
mod overview;
mod projection;
mod status;

pub mod testing;

mod decode;
mod entry;
mod subscribe;
mod typed;

mod bounded;
mod lifecycle;
mod limits;
mod marks;
mod partitions;
mod redrive;
mod role;
mod runner;
mod succession;
mod switch;
mod tenure;
mod wait;

pub use decode::{Decode, Decoded, Untyped};
pub use engine::{Engine, EngineBuilder};
pub use entry::{Entry, Forgotten};
pub use error::EngineError;
pub use handle::ProjectionHandle;
pub use inline::Inline;
pub use lifecycle::{Detached, Lifecycle, Transactional};
pub use options::{OnPoison, ProjectionOptions};
pub use overview::{Running, Used, in_use, running};
pub use projection::{Batch, HandlerError, Projection, TransactionalProjection};
pub use status::{State, Status};
pub use subscribe::{Followed, SubscribeOptions, subscribe};
pub use typed::Typed;
pub use wait::{AndWaitFor, WaitError, WaitFor, wait_for};
