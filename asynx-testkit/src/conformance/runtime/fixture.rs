use std::time::Duration;

use asynx_core::Runtime;

/// How the laws get at a runtime. Checks run on threads of their own and use nothing of the runtime but its trait.
pub trait RuntimeFixture: Send + Sync + 'static {
    /// Kept until the check has ended; dropping it ends the runtime, where that has an end.
    type Guard: Send + 'static;
    /// The runtime.
    type Runtime: Runtime;

    /// Starts a runtime, or gives the one that all share. Something else must poll its tasks.
    fn open(&self) -> (Self::Guard, Self::Runtime);

    /// Whether dropping the guard ends the runtime, so that its tasks are dropped; `false` unless told.
    fn ends(&self) -> bool {
        false
    }

    /// Names the fixture in messages.
    fn name(&self) -> String {
        std::any::type_name::<Self>().to_owned()
    }

    /// The most time that a check waits for one thing that must happen; 10 seconds unless told.
    fn patience(&self) -> Duration {
        Duration::from_secs(10)
    }
}
