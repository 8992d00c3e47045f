use asynx_core::Runtime;

/// A moment by the clock of a runtime; empty without `metrics`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Moment(#[cfg(feature = "metrics")] i64);

impl Moment {
    /// Now.
    #[inline]
    #[must_use]
    pub fn now(runtime: &dyn Runtime) -> Self {
        #[cfg(feature = "metrics")]
        return Self(runtime.now().as_micros());
        #[cfg(not(feature = "metrics"))]
        {
            let _ = runtime;
            Self()
        }
    }

    /// The seconds since an earlier moment; 0 where the clock was set back.
    #[cfg(feature = "metrics")]
    #[expect(
        clippy::cast_precision_loss,
        reason = "microseconds of more than 200 years are exact"
    )]
    pub(crate) fn since(self, began: Self) -> f64 {
        (self.0 - began.0).max(0) as f64 / 1e6
    }
}
