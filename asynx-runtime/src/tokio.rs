use std::time::Duration;

use asynx_core::{Runtime, Timestamp};
use futures::future::BoxFuture;
use tokio::runtime::{Handle, TryCurrentError};

use crate::{clock, entropy};

/// Runs asynx on tokio, of either flavour. The tokio runtime needs its timer (`enable_time` or `enable_all`).
///
/// It holds a handle and does not keep the tokio runtime alive: when that ends, its tasks are dropped.
#[derive(Debug, Clone)]
pub struct TokioRuntime {
    handle: Handle,
}

/// There is no tokio runtime where one was looked for.
#[derive(Debug, thiserror::Error)]
#[error("no tokio runtime runs here: call it from async code on tokio, or give TokioRuntime::new a handle")]
pub struct NoRuntime(#[source] TryCurrentError);

impl TokioRuntime {
    /// The tokio runtime of this handle.
    #[must_use]
    pub const fn new(handle: Handle) -> Self {
        Self { handle }
    }

    /// The tokio runtime that the caller runs on.
    ///
    /// # Errors
    /// [`NoRuntime`] outside of a tokio runtime.
    pub fn current() -> Result<Self, NoRuntime> {
        Handle::try_current().map(Self::new).map_err(NoRuntime)
    }
}

impl Runtime for TokioRuntime {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        // tokio catches a task's panic itself (R2).
        drop(self.handle.spawn(task));
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let _entered = self.handle.enter();
        Box::pin(tokio::time::sleep(duration))
    }

    fn now(&self) -> Timestamp {
        clock::now()
    }

    fn entropy(&self) -> u64 {
        entropy::entropy()
    }
}
