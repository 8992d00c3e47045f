//! The real time: these programs measure it, and none of the library's code runs by it.
#![expect(clippy::disallowed_methods, reason = "no library code runs by these clocks")]

use std::time::{Duration, Instant, SystemTime};

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

/// Nanoseconds since 1970, by the machine's clock, which all its processes share.
pub(crate) fn nanos() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}
