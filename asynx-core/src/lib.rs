//! The traits, formats and rules of asynx: what stores, buses, runtimes and the processor share.
//!
//! Write a [`Store`] against this crate alone and prove it with `asynx-testkit`. Write services against `asynx`,
//! which re-exports what a service needs from here.
//!
//! This crate never spawns a task, sleeps, reads a clock or draws entropy: that is what [`Runtime`] is for.

mod aggregate;
mod command;
mod context;
mod error;
mod event;
mod event_id;
mod expected;
mod fold;
mod guard;
mod metadata;
mod names;
mod position;
mod record;
mod runtime;
mod timestamp;
mod trace_context;
mod upcast;
mod version;
mod yield_now;

pub mod bus;
pub mod patch;
pub mod store;

pub use aggregate::Aggregate;
pub use bus::{Bus, BusError};
pub use command::Command;
pub use context::{Ancestry, Context};
pub use error::{Applied, Error, ForgetFailure, SendError, Stage};
pub use event::{Event, EventData};
pub use event_id::EventId;
pub use expected::Expected;
pub use fold::{Fold, decode_record};
pub use guard::{Caught, Panic, catch, catch_future, drop_caught};
pub use metadata::Metadata;
pub use names::{AggregateId, Category, EventName, InvalidName, MAX_NAME_BYTES, RESERVED_PREFIX, StreamId, TOMBSTONE};
pub use position::{InvalidPosition, Position};
pub use record::{FORMAT, Record, RecordError};
pub use runtime::Runtime;
pub use store::{Store, StoreError};
pub use timestamp::Timestamp;
pub use trace_context::TraceContext;
pub use upcast::{NoUpcast, Upcast, UpcastError};
pub use version::{InvalidVersion, SchemaVersion, Version};
pub use yield_now::yield_now;
