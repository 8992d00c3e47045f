use std::sync::Arc;

use futures::FutureExt;
use futures::future::BoxFuture;

use crate::Event;

/// What a handler's error is kept as.
pub type HandlerError = Box<dyn std::error::Error + Send + Sync>;

/// A handler of events.
pub type Handler<A> = Arc<dyn Fn(Event<A>) -> BoxFuture<'static, Result<(), HandlerError>> + Send + Sync>;

/// A handler of tombstones; [`EventData::aggregate`](crate::EventData::aggregate) is the last state before.
pub type ForgetHandler<A> = Handler<A>;

/// What a handler may return: nothing, or a `Result` whose error goes to the hooks and then to the fallback.
#[diagnostic::on_unimplemented(
    message = "a handler may not return `{Self}`",
    note = "return `()` or `Result<(), E>` with `E: Into<Box<dyn Error + Send + Sync>>`"
)]
pub trait HandlerOutput: Send {
    /// The common form.
    ///
    /// # Errors
    /// The handler's own.
    fn into_result(self) -> Result<(), HandlerError>;
}

impl HandlerOutput for () {
    fn into_result(self) -> Result<(), HandlerError> {
        Ok(())
    }
}

impl<E: Into<HandlerError> + Send> HandlerOutput for Result<(), E> {
    fn into_result(self) -> Result<(), HandlerError> {
        self.map_err(Into::into)
    }
}

/// Wraps a function into a [`Handler`].
pub fn handler<A, F, Fut>(function: F) -> Handler<A>
where
    F: Fn(Event<A>) -> Fut + Send + Sync + 'static,
    Fut: Future + Send + 'static,
    Fut::Output: HandlerOutput,
{
    Arc::new(move |event| function(event).map(HandlerOutput::into_result).boxed())
}
