//! A deliberate bug, for proving that the simulator finds it.

#[cfg(feature = "sabotage")]
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether two handlers of one subscription may have events of one aggregate at the same time.
#[cfg(feature = "sabotage")]
pub static RACE_DELIVERIES: AtomicBool = AtomicBool::new(false);

#[cfg(feature = "sabotage")]
pub(crate) fn races_deliveries() -> bool {
    RACE_DELIVERIES.load(Ordering::Relaxed)
}

#[cfg(not(feature = "sabotage"))]
pub(crate) const fn races_deliveries() -> bool {
    false
}
