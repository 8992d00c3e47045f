//! Event sourcing and CQRS: validate early, commit confidently, never lose an event.
#![doc = include_str!("quick_start.md")]
#![cfg_attr(
    all(
        doc,
        feature = "memory",
        feature = "postgres",
        feature = "projection",
        feature = "sqlite",
        feature = "tokio"
    ),
    doc = "Read on in [the guide](guide): testing, stores, projections, schema evolution, operations."
)]
//!
//! # Features
//!
//! | feature | brings |
//! |---|---|
//! | `memory` (default) | [`store::MemoryStore`], for tests and learning |
//! | `tokio` (default) | runs on tokio; the builder finds the runtime by itself |
//! | `smol` | runs on smol: give the builder `SmolRuntime`, and leave the default features out |
//! | `sqlite` | `store::SqliteStore`: one file |
//! | `postgres` | `store::PostgresStore`: a server |
//! | `tls-rustls`, `tls-native-tls` | TLS to the server, one or the other |
//! | `jetstream` | `store::JetStreamStore`: NATS, replicated |
//! | `projection` | durable projections over the log of a store |
//! | `metrics`, `tracing`, `opentelemetry` | figures, spans, and trace contexts that go with the events |
//! | `tower` | commands as a tower service: `service` |
//!
//! Rust 1.95 or newer.

mod asynx;
mod build_error;
mod builder;
mod handlers;
#[cfg(feature = "tower")]
pub mod service;

#[cfg(all(
    doc,
    feature = "memory",
    feature = "postgres",
    feature = "projection",
    feature = "sqlite",
    feature = "tokio"
))]
pub mod guide;

pub use asynx::{Asynx, WeakAsynx};
pub use build_error::BuildError;
pub use builder::Builder;
pub use handlers::{Subscribing, topic};

pub use asynx_core::bus::{
    BusError, Delivery, HandlerError, HandlerFailure, HandlerOutput, Hooks, InvalidPattern, Listener, Pattern,
    SnapshotTrouble, SubscriptionId,
};
pub use asynx_core::store::ForgetPolicy;
pub use asynx_core::{
    Aggregate, AggregateId, Applied, Bus, Category, Command, Context, Error, Event, EventData, EventId, EventName,
    Expected, ForgetFailure, InvalidName, InvalidVersion, Metadata, Panic, Position, Runtime, SchemaVersion, SendError,
    Stage, Store, StoreError, StreamId, Timestamp, TraceContext, Upcast, UpcastError, Version,
};
pub use asynx_processor::{Options, Overflow, Sending};

/// The in-process bus, and the one across processes.
pub mod bus {
    pub use asynx_bus::*;
    #[cfg(feature = "jetstream")]
    pub use asynx_bus_jetstream::{JetStreamBus, JetStreamBusError, JetStreamBusOptions, Parked};
    pub use asynx_core::bus::*;
}

/// Stores, and what a store of your own implements.
pub mod store {
    pub use asynx_core::store::*;
    #[cfg(feature = "jetstream")]
    pub use asynx_store_jetstream::{JetStreamOptions, JetStreamStore, Storage};
    #[cfg(feature = "memory")]
    pub use asynx_store_memory::MemoryStore;
    #[cfg(feature = "postgres")]
    pub use asynx_store_postgres::{Blocker, LaneOptions, Migrate, PostgresOptions, PostgresStore, Watermark};
    #[cfg(feature = "sqlite")]
    pub use asynx_store_sqlite::{SqliteOptions, SqliteStore, SqliteTransaction, Synchronous};
}

/// Durable projections and subscriptions.
#[cfg(feature = "projection")]
pub mod projection {
    pub use asynx_projection::*;
}

/// Runtimes.
pub mod runtime {
    pub use asynx_core::Runtime;
    #[cfg(feature = "smol")]
    pub use asynx_runtime::SmolRuntime;
    #[cfg(feature = "tokio")]
    pub use asynx_runtime::{NoRuntime, TokioRuntime};
}

/// Schema evolution.
pub mod upcast {
    pub use asynx_core::patch::{Json, Number, Object, Operation, Patch, Pointer};
    pub use asynx_upcast::*;
}

#[cfg(doctest)]
#[doc = include_str!("../../README.md")]
struct Readme;
