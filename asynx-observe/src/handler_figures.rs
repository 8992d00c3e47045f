use asynx_core::bus::{HandlerFailure, SubscriptionId};
use asynx_core::{Aggregate, Event, Runtime};

use crate::figures::{Counter, Histogram};
use crate::table;
#[cfg(any(feature = "metrics", feature = "tracing"))]
use crate::{Moment, Span};

/// The figures of one subscription. They go to the recorder that is installed when it is made.
#[derive(Debug)]
pub struct HandlerFigures {
    name: &'static str,
    seconds: Histogram,
    failures: [Counter; Missed::ALL.len()],
}

/// How a handler missed an event, as the label has it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "as the cases of HandlerFailure")]
pub enum Missed {
    Panicked,
    TimedOut,
    Failed,
    Overflowed,
    Closed,
}

impl Missed {
    /// All of them, in their order.
    pub const ALL: [Self; 5] = [
        Self::Panicked,
        Self::TimedOut,
        Self::Failed,
        Self::Overflowed,
        Self::Closed,
    ];

    /// The value of the label and of the field.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Panicked => "panicked",
            Self::TimedOut => "timed_out",
            Self::Failed => "failed",
            Self::Overflowed => "overflowed",
            Self::Closed => "closed",
        }
    }
}

impl From<&HandlerFailure> for Missed {
    fn from(failure: &HandlerFailure) -> Self {
        match failure {
            HandlerFailure::Panicked(_) => Self::Panicked,
            HandlerFailure::TimedOut(_) => Self::TimedOut,
            HandlerFailure::Overflowed(_) => Self::Overflowed,
            HandlerFailure::Closed => Self::Closed,
            _ => Self::Failed,
        }
    }
}

impl HandlerFigures {
    /// Those of a subscription of a category, by the name that the program gives it.
    #[must_use]
    pub fn new(category: &str, name: &'static str) -> Self {
        let failure = |missed: Missed| {
            let labels = [("category", category), ("handler", name), ("reason", missed.as_str())];
            Counter::new(&table::HANDLER_FAILURES, &labels)
        };
        Self {
            name,
            seconds: Histogram::new(&table::HANDLER_SECONDS, &[("category", category), ("handler", name)]),
            failures: Missed::ALL.map(failure),
        }
    }

    /// Looks on while a handler runs.
    ///
    /// # Errors
    /// The handler's.
    ///
    /// # Cancel safety
    /// The handler's.
    #[cfg(any(feature = "metrics", feature = "tracing"))]
    pub async fn around<A: Aggregate, F>(
        &self,
        runtime: &dyn Runtime,
        event: &Event<A>,
        id: SubscriptionId,
        handling: F,
    ) -> Result<(), HandlerFailure>
    where
        F: Future<Output = Result<(), HandlerFailure>>,
    {
        let span = Span::handle(event, id, self.name);
        let began = Moment::now(runtime);
        let handled = span.around(handling).await;
        self.seconds.took(began, Moment::now(runtime));
        span.outcome(
            handled
                .as_ref()
                .map_or_else(|failure| Missed::from(failure).as_str(), |()| "handled"),
        );
        handled
    }

    /// As with the features, and nothing happens.
    #[cfg(not(any(feature = "metrics", feature = "tracing")))]
    #[inline]
    pub const fn around<A: Aggregate, F: Future>(
        &self,
        _: &dyn Runtime,
        _: &Event<A>,
        _: SubscriptionId,
        handling: F,
    ) -> F {
        let _ = (self.name, &self.seconds);
        handling
    }

    /// The hooks are told of a failure.
    pub fn failed(&self, failure: &HandlerFailure) {
        self.failures[Missed::from(failure) as usize].add(1);
    }
}
