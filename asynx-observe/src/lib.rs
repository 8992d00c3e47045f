//! What asynx tells of itself: spans (feature `tracing`), linked to the trace context of commands (feature `opentelemetry`), and
//! figures (feature `metrics`). `docs/observability.md` lists them. A part of asynx, not for use by itself.
//!
//! Without the features every type here is empty and every function does nothing. The names, labels and fields are here
//! and nowhere else; whoever counts something calls one function.

mod figures;
mod handler_figures;
mod moment;
mod projection_figures;
mod sent;
mod span;
mod store;
mod table;
mod trail;
mod write_figures;

#[cfg(feature = "opentelemetry")]
mod opentelemetry;

pub use figures::{Counter, Gauge, Histogram};
pub use handler_figures::{HandlerFigures, Missed};
pub use moment::Moment;
#[cfg(feature = "opentelemetry")]
pub use opentelemetry::current_trace_context;
pub use projection_figures::ProjectionFigures;
pub use sent::{Outcome, Sent};
pub use span::Span;
pub use store::watermark_age;
pub use table::{FIGURES, Figure, Kind, Unit};
pub use trail::Trail;
pub use write_figures::WriteFigures;
