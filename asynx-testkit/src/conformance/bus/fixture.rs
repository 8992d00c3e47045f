use std::sync::Arc;
use std::time::Duration;

use asynx_core::bus::Hooks;
use asynx_core::{Bus, Runtime};

use super::Probe;
use crate::ThreadRuntime;

/// How the laws get at a bus.
pub trait BusFixture: Send + Sync + 'static {
    /// Kept until the check has ended.
    type Guard: Send;
    /// The bus.
    type Bus: Bus<Probe>;

    /// Opens a bus of its own, on which nothing else is published, that runs on this runtime and tells these hooks.
    ///
    /// A server that is missing is no reason to skip: panic, with the one line that mends it.
    fn open(
        &self,
        runtime: Arc<dyn Runtime>,
        hooks: Hooks<Probe>,
    ) -> impl Future<Output = (Self::Guard, Self::Bus)> + Send;

    /// Names the fixture in messages.
    fn name(&self) -> String {
        std::any::type_name::<Self>().to_owned()
    }

    /// Where the bus and the checks get tasks and time from; threads unless told.
    fn runtime(&self) -> Arc<dyn Runtime> {
        Arc::new(ThreadRuntime)
    }

    /// Runs a check to its end on the calling thread.
    fn block_on<T>(&self, check: impl Future<Output = T>) -> T {
        ThreadRuntime.block_on(check)
    }

    /// The most time that one check may take; 30 seconds unless told. A wait for one thing that must happen may take
    /// a quarter of it.
    fn patience(&self) -> Duration {
        Duration::from_secs(30)
    }
}
