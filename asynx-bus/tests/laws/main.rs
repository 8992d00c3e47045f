//! The laws B1 to B9 of [`asynx_core::Bus`], held against [`asynx_bus::InProcessBus`] on tokio and smol.
//!
//! Handlers are staged: each call waits until the test answers it, so nothing depends on how fast something runs, and
//! every test is bounded in time as a whole.

#![expect(clippy::unwrap_used, reason = "a test says by it what it expects")]

mod stage;

mod b1_every_event_once;
mod b2_order;
mod b2_stress;
mod b3_no_delay;
mod b4_failures;
mod b4_panics;
mod b5_deliveries;
mod b6_forget;
mod b7_context;
mod b8_close;
mod b8_idle;
mod b9_tombstones;
mod cancellation;
mod overflow;
mod reserved;
mod streams;
