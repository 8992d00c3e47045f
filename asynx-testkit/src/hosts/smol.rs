use std::sync::Arc;
use std::time::Duration;

use asynx_core::{Runtime, Timestamp, catch_future};
use futures::FutureExt;
use futures::future::BoxFuture;

use super::Host;
use crate::ThreadRuntime;

/// smol's global executor.
#[derive(Debug, Clone, Copy, Default)]
pub struct Smol;

impl Host for Smol {
    fn runtime(&self) -> Arc<dyn Runtime> {
        Arc::new(*self)
    }

    fn block_on<T>(&self, check: impl Future<Output = T>) -> T {
        smol::block_on(check)
    }
}

impl Runtime for Smol {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        // A panic would end the executor's thread (R2).
        smol::spawn(catch_future(task).map(drop)).detach();
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        smol::Timer::after(duration).map(drop).boxed()
    }

    fn now(&self) -> Timestamp {
        ThreadRuntime.now()
    }

    fn entropy(&self) -> u64 {
        ThreadRuntime.entropy()
    }
}
