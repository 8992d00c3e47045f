//! The bus of asynx across processes: durable events reach the subscribers of every process, over
//! [NATS JetStream](https://docs.nats.io/nats-concepts/jetstream).
//!
//! [`JetStreamBus`] keeps the laws B1 to B9 of [`asynx_core::Bus`] in each process, and tells what goes beyond them. It
//! works with any store.
//!
//! ```no_run
//! # #[derive(Clone, serde::Serialize, serde::Deserialize)]
//! # struct Order;
//! # impl asynx_core::Aggregate for Order {
//! #     const CATEGORY: &'static str = "order";
//! # }
//! use asynx_bus_jetstream::{JetStreamBus, JetStreamBusOptions};
//! use asynx_core::bus::Hooks;
//!
//! # async fn open() -> Result<(), asynx_bus_jetstream::JetStreamBusError> {
//! let options = JetStreamBusOptions::new().with_replicas(3);
//! let servers = "nats://a:4222,nats://b:4222,nats://c:4222";
//! let bus: JetStreamBus<Order> = JetStreamBus::connect_with(servers, Hooks::default(), options).await?;
//! # drop(bus);
//! # Ok(())
//! # }
//! ```
//!
//! It needs nats-server 2.12 or newer and runs on tokio, as the client does. Features: `tracing` (spans of handlers) and
//! `metrics` (their figures).
//!
//! An event's way: `bus` notes who wants it (`on_the_way`), `outbox` has it stored as a `letter` behind the one before,
//! `inbox` meets it in the stream and hands it to the in-process bus. A `durable` subscription `pull`s from a place that
//! the server keeps, has its events in `hands`, and parks what it cannot handle (`parked`). `wire` asks the servers.

mod bus;
mod durable;
mod erase;
mod error;
mod hands;
mod inbox;
mod letter;
mod names;
mod on_the_way;
mod open;
mod options;
mod outbox;
mod parked;
mod pull;
mod shared;
mod wire;

pub use bus::JetStreamBus;
pub use error::JetStreamBusError;
pub use options::JetStreamBusOptions;
pub use parked::Parked;
