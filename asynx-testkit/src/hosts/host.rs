use std::sync::Arc;

use asynx_core::Runtime;

use crate::ThreadRuntime;

/// Where checks run: what gives them tasks and time, and how a thread waits for them.
pub trait Host: Send + Sync + 'static {
    /// Where checks get tasks, sleep and entropy from.
    fn runtime(&self) -> Arc<dyn Runtime>;

    /// Runs a check to its end on the calling thread.
    fn block_on<T>(&self, check: impl Future<Output = T>) -> T;
}

impl Host for ThreadRuntime {
    fn runtime(&self) -> Arc<dyn Runtime> {
        Arc::new(*self)
    }

    fn block_on<T>(&self, check: impl Future<Output = T>) -> T {
        Self::block_on(*self, check)
    }
}
