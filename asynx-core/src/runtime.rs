use std::time::Duration;

use futures::future::BoxFuture;

use crate::Timestamp;

/// Where asynx gets tasks, time and entropy from. `asynx-runtime` has it for tokio and smol; the testkit has a
/// deterministic one.
///
/// # Laws
/// - **R1** A spawned task MUST run to its end without being polled by its spawner, or be dropped when the runtime
///   ends; it MUST NOT run inside the call to `spawn`.
/// - **R2** A panic of a task MUST NOT stop other tasks.
/// - **R3** A sleep MUST NOT end before its duration has passed, and MUST end; dropping it early MUST be safe.
/// - **R4** `now` MUST NOT be further from UTC than the machine's clock.
/// - **R5** `entropy` MUST give 64 bits that no other call, thread or process is likely to have been given.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no runtime",
    note = "take `asynx::runtime::TokioRuntime::current()?` or `SmolRuntime`, or implement `asynx_core::Runtime` for it"
)]
pub trait Runtime: Send + Sync + 'static {
    /// Runs a task beside the caller.
    ///
    /// # Panics
    /// Where the runtime needs to be entered first and was not (tokio).
    fn spawn(&self, task: BoxFuture<'static, ()>);

    /// Ends after the duration.
    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()>;

    /// The time of the clock on the wall, in UTC.
    fn now(&self) -> Timestamp;

    /// 64 random bits.
    fn entropy(&self) -> u64;
}
