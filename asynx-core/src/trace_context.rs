use crate::Metadata;

/// A W3C trace context, as the headers `traceparent` and `tracestate` carry it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TraceContext {
    /// The trace and the span in it, such as `00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01`.
    pub traceparent: String,
    /// What tracing systems add to it.
    pub tracestate: Option<String>,
}

impl TraceContext {
    /// One without a `tracestate`.
    pub fn new(traceparent: impl Into<String>) -> Self {
        Self {
            traceparent: traceparent.into(),
            tracestate: None,
        }
    }

    /// Sets the `tracestate`.
    #[must_use]
    pub fn with_tracestate(mut self, tracestate: impl Into<String>) -> Self {
        self.tracestate = Some(tracestate.into());
        self
    }
}

impl Metadata {
    /// Puts a trace context in.
    pub fn trace(&mut self, context: TraceContext) {
        self.traceparent = Some(context.traceparent);
        self.tracestate = context.tracestate;
    }
}
