//! Between the trace context of OpenTelemetry and that of W3C, which the events carry.

use asynx_core::{Metadata, TraceContext};
use opentelemetry::trace::{SpanContext, SpanId, TraceContextExt as _, TraceFlags, TraceId, TraceState};
use tracing_opentelemetry::OpenTelemetrySpanExt as _;

/// The trace context of the span that is current on this thread; `None` where there is none that OpenTelemetry knows.
#[must_use]
pub fn current_trace_context() -> Option<TraceContext> {
    let context = tracing::Span::current().context();
    let span = context.span();
    let span = span.span_context();
    if !span.is_valid() {
        return None;
    }
    let (trace, id, flags) = (
        span.trace_id(),
        span.span_id(),
        span.trace_flags() & TraceFlags::SAMPLED,
    );
    let current = TraceContext::new(format!("00-{trace}-{id}-{flags:02x}"));
    Some(match span.trace_state().header() {
        state if state.is_empty() => current,
        state => current.with_tracestate(state),
    })
}

/// Links a span to the trace context of an event.
pub(crate) fn link(span: &tracing::Span, metadata: &Metadata) {
    if span.is_disabled() {
        return;
    }
    if let Some(linked) = metadata.traceparent.as_deref().and_then(|text| parse(text, metadata)) {
        span.add_link(linked);
    }
}

/// As `https://www.w3.org/TR/trace-context/` has it; what is not so is passed over.
fn parse(traceparent: &str, metadata: &Metadata) -> Option<SpanContext> {
    let mut parts = traceparent.split('-');
    let (version, trace, span, flags) = (parts.next()?, parts.next()?, parts.next()?, parts.next()?);
    let is_hex = |text: &str, length: usize| {
        text.len() == length && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
    };
    let is_known = is_hex(version, 2) && version != "ff" && (version != "00" || parts.next().is_none());
    if !is_known || !is_hex(trace, 32) || !is_hex(span, 16) || !is_hex(flags, 2) {
        return None;
    }
    let flags = TraceFlags::new(u8::from_str_radix(flags, 16).ok()?) & TraceFlags::SAMPLED;
    let state = metadata.tracestate.as_deref().and_then(|state| state.parse().ok());
    let context = SpanContext::new(
        TraceId::from_hex(trace).ok()?,
        SpanId::from_hex(span).ok()?,
        flags,
        true,
        state.unwrap_or(TraceState::NONE),
    );
    context.is_valid().then_some(context)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(traceparent: &str) -> Option<SpanContext> {
        parse(traceparent, &Metadata::default())
    }

    #[test]
    fn what_is_no_trace_context_is_passed_over() {
        let good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let context = parsed(good).unwrap();
        assert_eq!(context.trace_id().to_string(), "0af7651916cd43dd8448eb211c80319c");
        assert_eq!(context.span_id().to_string(), "b7ad6b7169203331");
        assert!(context.is_sampled() && context.is_remote());
        for bad in [
            "",
            "00",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331",
            "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
            "00-00000000000000000000000000000000-b7ad6b7169203331-01",
            "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
            "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
            "00-+af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert!(parsed(bad).is_none(), "{bad}");
        }
        assert!(parsed("01-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-more").is_some());
    }
}
