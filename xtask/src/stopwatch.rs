//! How long something took, for people.

use std::fmt;
use std::time::{Duration, Instant};

/// Started once, read whenever.
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    #[expect(
        clippy::disallowed_methods,
        reason = "the commands measure the real world; no library code runs here"
    )]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// `0.4 s` below ten seconds, `93 s` above.
impl fmt::Display for Stopwatch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.elapsed().as_secs_f64();
        write!(f, "{seconds:.*} s", usize::from(seconds < 10.0))
    }
}
