#[cfg(not(feature = "tracing"))]
mod off;
#[cfg(feature = "tracing")]
mod on;

/// A span; empty without `tracing`, and disabled where nobody subscribes to it.
#[derive(Debug, Clone)]
pub struct Span(
    /// `None` where it is disabled: a command is moved about a good deal, and a span of `tracing` is five words.
    #[cfg(feature = "tracing")]
    Option<std::sync::Arc<tracing::Span>>,
);

impl Default for Span {
    fn default() -> Self {
        Self::none()
    }
}
