use std::pin::Pin;
use std::task::{self, Poll};
use std::time::Duration;

use asynx_core::bus::{Handler, HandlerError, HandlerFailure, SubscriptionId};
use asynx_core::{Context, Event, Panic, Runtime, catch};
use futures::future::{self, BoxFuture, Either};

/// The event as this subscription's handler receives it (B7).
pub(crate) fn received_by<A>(event: Event<A>, id: SubscriptionId) -> Event<A> {
    if event.ancestry().contains(id) {
        // A handler whose commands lead back to itself does not make the chain longer each time.
        return event;
    }
    let ancestry = event.ancestry().child(id);
    event.with_ancestry(ancestry)
}

/// Runs a handler once, for at most `timeout`.
pub(crate) async fn attempt<A>(
    handler: &Handler<A>,
    event: &Event<A>,
    timeout: Option<Duration>,
    runtime: &dyn Runtime,
) -> Result<(), HandlerFailure> {
    let Some(timeout) = timeout else {
        return Handling::start(handler, event)?.await;
    };
    let sleep = runtime.sleep(timeout);
    match future::select(Handling::start(handler, event)?, sleep).await {
        Either::Left((handled, _)) => handled,
        Either::Right(((), _)) => Err(HandlerFailure::TimedOut(timeout)),
    }
}

/// A running handler: called, polled and dropped inside the context of its event, its panics caught.
pub(crate) struct Handling {
    context: Context,
    future: Option<BoxFuture<'static, Result<(), HandlerError>>>,
}

impl Handling {
    /// Calls the handler.
    pub(crate) fn start<A>(handler: &Handler<A>, event: &Event<A>) -> Result<Self, HandlerFailure> {
        let context = event.context();
        let future = context.enter(|| catch(|| handler(event.clone())));
        let future = Some(future.map_err(HandlerFailure::Panicked)?);
        Ok(Self { context, future })
    }

    fn end(&mut self) -> Result<(), Panic> {
        let future = self.future.take();
        self.context.enter(|| catch(|| drop(future)))
    }
}

impl Future for Handling {
    type Output = Result<(), HandlerFailure>;

    fn poll(self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let Some(future) = &mut this.future else {
            return Poll::Pending;
        };
        let polled = this.context.enter(|| catch(|| future.as_mut().poll(cx)));
        let handled = match polled {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(handled)) => handled.map_err(HandlerFailure::Failed),
            Err(panic) => Err(HandlerFailure::Panicked(panic)),
        };
        let dropped = this.end().map_err(HandlerFailure::Panicked);
        Poll::Ready(handled.and(dropped))
    }
}

impl Drop for Handling {
    fn drop(&mut self) {
        // Why it is dropped early is told already.
        let _ = self.end();
    }
}
