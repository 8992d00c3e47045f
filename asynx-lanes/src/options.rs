use std::time::Duration;

/// How [`Lanes`](crate::Lanes) append.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct LaneOptions {
    /// How many appends may be in flight; 0 counts as 1. By default 2: few lanes make large batches.
    pub lanes: usize,
    /// The most events in one append, by default 256. A group is never divided for it.
    pub max_events: usize,
    /// The most bytes of records in one append, by default 4 MiB. A group is never divided for it.
    pub max_bytes: usize,
    /// How long an append may take, by default 30 seconds; then it is dropped, and its callers are told that the
    /// outcome is unknown.
    pub timeout: Duration,
    /// Whether what fails for good as a whole is tried again by halves; the function finds out who is to blame otherwise.
    pub(crate) halves: bool,
    #[cfg(feature = "sabotage")]
    pub(crate) share_streams: bool,
}

impl Default for LaneOptions {
    fn default() -> Self {
        Self {
            lanes: 2,
            max_events: 256,
            max_bytes: 4 << 20,
            timeout: Duration::from_secs(30),
            halves: true,
            #[cfg(feature = "sabotage")]
            share_streams: false,
        }
    }
}

impl LaneOptions {
    /// Sets how many appends may be in flight.
    #[must_use]
    pub const fn with_lanes(mut self, lanes: usize) -> Self {
        self.lanes = lanes;
        self
    }

    /// Sets the most events in one append.
    #[must_use]
    pub const fn with_max_events(mut self, max_events: usize) -> Self {
        self.max_events = max_events;
        self
    }

    /// Sets the most bytes of records in one append.
    #[must_use]
    pub const fn with_max_bytes(mut self, max_bytes: usize) -> Self {
        self.max_bytes = max_bytes;
        self
    }

    /// Sets how long an append may take.
    #[must_use]
    pub const fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Leaves it to the function to find out which group is to blame where an append fails for good: it is not tried
    /// again by halves.
    #[must_use]
    pub const fn without_halves(mut self) -> Self {
        self.halves = false;
        self
    }

    /// A deliberate bug: a stream may have appends under way in two lanes.
    #[cfg(feature = "sabotage")]
    #[must_use]
    pub const fn sharing_streams(mut self) -> Self {
        self.share_streams = true;
        self
    }

    pub(crate) const fn shares_streams(&self) -> bool {
        #[cfg(feature = "sabotage")]
        return self.share_streams;
        #[cfg(not(feature = "sabotage"))]
        false
    }
}
