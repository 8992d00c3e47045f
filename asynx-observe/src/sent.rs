use asynx_core::Version;

use crate::{Moment, Span, WriteFigures};

/// What the caller of a command was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// There is an event.
    Accepted,
    /// The domain refused.
    Rejected,
    /// Something went wrong, and nothing was written by it.
    Failed,
    /// Something went wrong, and it may have been written.
    Unknown,
    /// Nothing: the future was dropped. The command may have been carried out.
    Cancelled,
}

impl Outcome {
    /// All of them, in their order.
    pub const ALL: [Self; 5] = [
        Self::Accepted,
        Self::Rejected,
        Self::Failed,
        Self::Unknown,
        Self::Cancelled,
    ];

    /// The value of the label and of the field.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Accepted => "accepted",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
            Self::Cancelled => "cancelled",
        }
    }
}

/// A command from its first poll to its answer; empty without the features.
#[derive(Debug, Default)]
pub struct Sent {
    span: Span,
    began: Moment,
    #[cfg(any(feature = "metrics", feature = "tracing"))]
    open: bool,
}

impl Sent {
    /// When it was polled for the first time.
    #[inline]
    #[must_use]
    pub const fn began(&self) -> Moment {
        self.began
    }

    /// It was polled for the first time.
    #[inline]
    pub fn begin(&mut self, now: Moment) {
        self.began = now;
        #[cfg(any(feature = "metrics", feature = "tracing"))]
        {
            self.open = true;
        }
    }

    /// What it is, now that this is known.
    #[inline]
    pub fn is(&mut self, span: &Span) {
        self.span = span.clone();
    }

    /// It became an event.
    #[inline]
    pub fn version(&self, version: Version) {
        self.span.version(version);
    }

    /// It was answered.
    #[inline]
    pub fn end(&mut self, figures: &WriteFigures, now: impl FnOnce() -> Moment, outcome: impl FnOnce() -> Outcome) {
        if self.close() {
            let outcome = outcome();
            figures.answered(outcome);
            figures.command_seconds.took(self.began, now());
            std::mem::take(&mut self.span).outcome(outcome.as_str());
        }
    }

    /// Whether it was open.
    #[inline]
    const fn close(&mut self) -> bool {
        #[cfg(any(feature = "metrics", feature = "tracing"))]
        return std::mem::replace(&mut self.open, false);
        #[cfg(not(any(feature = "metrics", feature = "tracing")))]
        false
    }
}
