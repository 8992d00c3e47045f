use std::time::Duration;

use asynx_core::{Aggregate, Event, Position, Runtime, Store, StreamId};
use futures::future::{Either, select};

use crate::role::InUse;
use crate::{EngineError, ProjectionHandle};

/// Reading what one has written, at the event.
pub trait WaitFor {
    /// Waits until a projection has handled this event, in whichever process it runs.
    ///
    /// Do not wait within a handler's transaction: readers of the log wait for that one.
    ///
    /// # Errors
    /// [`EngineError::Behind`] after the timeout, [`EngineError::NoPosition`] where the event has no place in a log.
    ///
    /// # Cancel safety
    /// Safe.
    fn wait_for(
        &self,
        projection: &ProjectionHandle,
        timeout: Duration,
    ) -> impl Future<Output = Result<(), EngineError>> + Send;
}

impl<A: Aggregate> WaitFor for Event<A> {
    async fn wait_for(&self, projection: &ProjectionHandle, timeout: Duration) -> Result<(), EngineError> {
        let position = self.position.ok_or(EngineError::NoPosition)?;
        // Of partitions only its own: the others may run elsewhere, and tell now and then how far they are.
        match StreamId::parse(A::CATEGORY, self.aggregate_id.as_str()) {
            Ok(stream) => projection.wait_for_stream(&stream, position, timeout).await,
            Err(_) => projection.wait_for(position, timeout).await,
        }
    }
}

/// Why a command that was to be waited for was not.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WaitError<A, E> {
    /// The command failed.
    #[error(transparent)]
    Send(E),
    /// The command succeeded, and this is its event; the projection has not handled it in time.
    #[error("the event {} is stored, but not handled yet: {source}", event.id)]
    Behind {
        /// What happened.
        event: Event<A>,
        /// Why it was not waited for to the end.
        source: EngineError,
    },
}

/// Reading what one has written, at the command: `send(command).and_wait_for(&projection, timeout)`.
pub trait AndWaitFor<A: Aggregate, E: Send>: Future<Output = Result<Event<A>, E>> + Sized + Send {
    /// Waits for the event, then until a projection has handled it.
    ///
    /// # Errors
    /// [`WaitError`] tells whether the command succeeded.
    ///
    /// # Cancel safety
    /// As that of the command.
    fn and_wait_for(
        self,
        projection: &ProjectionHandle,
        timeout: Duration,
    ) -> impl Future<Output = Result<Event<A>, WaitError<A, E>>> + Send {
        let projection = projection.clone();
        async move {
            let event = self.await.map_err(WaitError::Send)?;
            match event.wait_for(&projection, timeout).await {
                Ok(()) => Ok(event),
                Err(source) => Err(WaitError::Behind { event, source }),
            }
        }
    }
}

impl<A, E, F> AndWaitFor<A, E> for F
where
    A: Aggregate,
    E: Send,
    F: Future<Output = Result<Event<A>, E>> + Send,
{
}

/// Waits until the version in use of a projection that another process runs has handled everything up to a position.
///
/// # Errors
/// [`EngineError::Behind`] after the timeout; [`EngineError::Store`] when the store cannot be read.
///
/// # Cancel safety
/// Safe.
pub async fn wait_for(
    store: &std::sync::Arc<dyn Store>,
    runtime: &dyn Runtime,
    projection: &str,
    position: Position,
    timeout: Duration,
) -> Result<(), EngineError> {
    let waiting = async {
        let mut pause = Duration::from_millis(2);
        loop {
            if let Some(in_use) = InUse::get(store, projection).await?
                && in_use.built.least(store, projection).await? >= Some(position)
            {
                return Ok(());
            }
            runtime.sleep(pause).await;
            pause = (pause * 2).min(Duration::from_millis(100));
        }
    };
    match select(Box::pin(waiting), runtime.sleep(timeout)).await {
        Either::Left((done, _)) => done,
        Either::Right(_) => Err(EngineError::Behind {
            name: projection.to_owned(),
            position,
            timeout,
        }),
    }
}
