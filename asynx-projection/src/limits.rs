use std::sync::Arc;
use std::time::Duration;

use asynx_core::{Runtime, StoreError, catch_future};
use futures::channel::oneshot;
use futures::future::{Either, abortable, select};

use crate::HandlerError;

/// How long what a projection calls may take.
#[doc(hidden)]
#[derive(Clone)]
pub struct Limits {
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) handler: Duration,
    pub(crate) store: Duration,
}

impl Limits {
    /// A call to a store. One that hangs or panics has failed, and is tried again like any that failed.
    pub(crate) async fn store<T>(&self, call: impl Future<Output = Result<T, StoreError>>) -> Result<T, StoreError> {
        in_time(&*self.runtime, self.store, call).await
    }

    /// A handler.
    pub(crate) async fn handler<T>(
        &self,
        call: impl Future<Output = Result<T, HandlerError>>,
    ) -> Result<T, HandlerError> {
        let time = self.handler;
        match select(Box::pin(call), self.runtime.sleep(time)).await {
            Either::Left((answer, _)) => answer,
            Either::Right(_) => Err(late(time)),
        }
    }

    /// A handler with the `calls` to the store around it, in a task of its own, so that one that blocks its thread is
    /// seen to be late all the same. It is dropped where it can be.
    pub(crate) async fn task<T: Send + 'static>(
        &self,
        calls: u32,
        task: impl Future<Output = Result<T, HandlerError>> + Send + 'static,
    ) -> Result<T, HandlerError> {
        let (reply, outcome) = oneshot::channel();
        let (task, abort) = abortable(async move {
            let outcome = catch_future(Box::pin(task)).await;
            let outcome = outcome.unwrap_or_else(|panic| Err(HandlerError::from(format!("the handler {panic}"))));
            // Nobody waits any more if it was late.
            let _ = reply.send(outcome);
        });
        self.runtime.spawn(Box::pin(async move {
            let _ = task.await;
        }));
        let longest = self.handler.saturating_add(self.store.saturating_mul(calls));
        match select(outcome, self.runtime.sleep(longest)).await {
            Either::Left((Ok(outcome), _)) => outcome,
            Either::Left((Err(_), _)) => Err(HandlerError::from("the handler's task was dropped")),
            Either::Right(_) => {
                abort.abort();
                Err(late(self.handler))
            }
        }
    }
}

fn late(time: Duration) -> HandlerError {
    HandlerError::from(format!("the handler was not done within {time:?}"))
}

/// A call to a store that has to answer in time.
pub(crate) async fn in_time<T>(
    runtime: &dyn Runtime,
    time: Duration,
    call: impl Future<Output = Result<T, StoreError>>,
) -> Result<T, StoreError> {
    let call = Box::pin(catch_future(Box::pin(call)));
    match select(call, runtime.sleep(time)).await {
        Either::Left((Ok(answer), _)) => answer,
        Either::Left((Err(panic), _)) => Err(StoreError::transient(format!("the store {panic}"))),
        Either::Right(_) => Err(StoreError::transient(format!(
            "the store has not answered within {time:?}"
        ))),
    }
}
