//! Every figure moves when it should, every span has its fields, and the documentation lists what there is.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic, and spawns where it stands"
)]

#[path = "../common/mod.rs"]
mod common;
mod figures;
mod spans;

mod bus_figures;
mod bus_spans;
mod documented;
mod opentelemetry;
mod projections;
mod write_figures;
mod write_spans;
