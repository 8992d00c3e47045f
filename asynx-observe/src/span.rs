#[cfg(not(feature = "tracing"))]
mod off;
#[cfg(feature = "tracing")]
mod on;

/// A span; empty without `tracing`, and disabled where nobody subscribes to it.
#[derive(Debug, Clone)]
pub struct Span(#[cfg(feature = "tracing")] tracing::Span);

impl Default for Span {
    fn default() -> Self {
        Self::none()
    }
}
