use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use asynx_core::{Runtime, Timestamp, catch_future};
use futures::FutureExt;
use futures::future::BoxFuture;
use smol::{Executor, Timer};

use crate::{clock, entropy};

/// Runs asynx on smol: on its global executor, or on one of your own.
///
/// The global executor has one thread unless the environment variable `SMOL_THREADS` asks for more.
#[derive(Clone, Default)]
pub struct SmolRuntime {
    executor: Option<Arc<Executor<'static>>>,
}

impl SmolRuntime {
    /// smol's global executor.
    #[must_use]
    pub const fn new() -> Self {
        Self { executor: None }
    }

    /// This executor, which somebody else runs.
    #[must_use]
    pub const fn with_executor(executor: Arc<Executor<'static>>) -> Self {
        Self {
            executor: Some(executor),
        }
    }
}

impl Runtime for SmolRuntime {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        // A panic would end who runs the executor (R2).
        let task = catch_future(task).map(drop);
        match &self.executor {
            Some(executor) => executor.spawn(task),
            None => smol::spawn(task),
        }
        .detach();
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Timer::after(duration).map(drop).boxed()
    }

    fn now(&self) -> Timestamp {
        clock::now()
    }

    fn entropy(&self) -> u64 {
        entropy::entropy()
    }
}

impl fmt::Debug for SmolRuntime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let executor = if self.executor.is_some() { "own" } else { "global" };
        f.debug_struct("SmolRuntime").field("executor", &executor).finish()
    }
}
