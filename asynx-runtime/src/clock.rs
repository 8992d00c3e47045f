use std::time::SystemTime;

use asynx_core::Timestamp;

/// The machine's clock (R4).
#[expect(clippy::disallowed_methods, reason = "runtimes are where time comes from")]
pub(crate) fn now() -> Timestamp {
    SystemTime::now().into()
}
