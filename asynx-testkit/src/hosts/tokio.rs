use std::sync::Arc;
use std::time::Duration;

use asynx_core::{Runtime, Timestamp};
use futures::future::BoxFuture;
use tokio::runtime::{Builder, Handle};

use super::Host;
use crate::ThreadRuntime;

/// A tokio runtime of its own, with all drivers that tokio was built with. It ends when it is dropped.
#[derive(Debug)]
pub struct Tokio(tokio::runtime::Runtime);

impl Tokio {
    /// Tasks run on two threads beside the check's.
    ///
    /// # Panics
    /// When the machine has no threads left.
    #[must_use]
    pub fn threads() -> Self {
        Self::built(Builder::new_multi_thread().worker_threads(2))
    }

    /// Tasks run on the check's thread, while it waits: a check or a store that blocks it is found.
    ///
    /// # Panics
    /// When the machine has no file descriptors left.
    #[must_use]
    pub fn one_thread() -> Self {
        Self::built(&mut Builder::new_current_thread())
    }

    fn built(builder: &mut Builder) -> Self {
        Self(builder.enable_all().build().expect("tokio starts"))
    }
}

impl Host for Tokio {
    fn runtime(&self) -> Arc<dyn Runtime> {
        Arc::new(OnHandle(self.0.handle().clone()))
    }

    fn block_on<T>(&self, check: impl Future<Output = T>) -> T {
        self.0.block_on(check)
    }
}

struct OnHandle(Handle);

impl Runtime for OnHandle {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        drop(self.0.spawn(task));
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let _entered = self.0.enter();
        Box::pin(tokio::time::sleep(duration))
    }

    fn now(&self) -> Timestamp {
        ThreadRuntime.now()
    }

    fn entropy(&self) -> u64 {
        ThreadRuntime.entropy()
    }
}
