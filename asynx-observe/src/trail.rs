#[cfg(feature = "metrics")]
use std::mem;

use crate::{Moment, Span, WriteFigures};

/// What a command in its shard's hands carries for who looks on; empty without the features.
#[derive(Debug, Default)]
pub struct Trail {
    span: Span,
    queued: Moment,
    #[cfg(feature = "metrics")]
    taken: bool,
    #[cfg(feature = "metrics")]
    ran: bool,
}

impl Trail {
    /// Of a command that is being queued now.
    #[inline]
    #[must_use]
    pub fn new(span: Span, now: Moment) -> Self {
        Self {
            span,
            queued: now,
            #[cfg(feature = "metrics")]
            taken: false,
            #[cfg(feature = "metrics")]
            ran: false,
        }
    }

    /// The span of its caller.
    #[inline]
    #[must_use]
    pub const fn span(&self) -> &Span {
        &self.span
    }

    /// Its shard takes it up, which counts the first time.
    #[inline]
    pub fn taken(&mut self, figures: &WriteFigures, now: Moment) {
        #[cfg(feature = "metrics")]
        if !mem::replace(&mut self.taken, true) {
            figures.queue_seconds.took(self.queued, now);
        }
        #[cfg(not(feature = "metrics"))]
        let _ = (figures, now, self.queued);
    }

    /// It is run, which counts from the second time on.
    #[inline]
    pub fn run(&mut self, figures: &WriteFigures) {
        #[cfg(feature = "metrics")]
        if mem::replace(&mut self.ran, true) {
            figures.reruns.add(1);
        }
        #[cfg(not(feature = "metrics"))]
        let _ = figures;
    }
}
