//! The real time: these programs measure it, and none of the library's code runs by it.
#![expect(clippy::disallowed_methods, reason = "no library code runs by these clocks")]

use std::time::{Duration, Instant};

/// Started once, read whenever.
#[derive(Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }

    pub(crate) fn seconds(self) -> f64 {
        self.elapsed().as_secs_f64()
    }
}
