use std::fmt;
use std::marker::PhantomData;
use std::task::{Context, Poll};

use asynx_core::{Aggregate, Command, Error, Event, SendError};
use asynx_processor::Sending;
use tower_service::Service;

use super::Request;
use crate::Asynx;

/// Sends commands of one type; by [`Asynx::service`]. Cheap to clone. It keeps the [`Asynx`] alive that it is of.
pub struct CommandService<A: Aggregate, C> {
    asynx: Asynx<A>,
    commands: PhantomData<fn(C)>,
}

impl<A: Aggregate, C: Command<A>> CommandService<A, C> {
    pub(crate) const fn new(asynx: Asynx<A>) -> Self {
        let commands = PhantomData;
        Self { asynx, commands }
    }
}

impl<A: Aggregate, C: Command<A>> Service<Request<C>> for CommandService<A, C> {
    type Response = Event<A>;
    type Error = SendError<C::Rejection>;
    type Future = Sending<A, C>;

    /// Always ready, until it is shut down: then [`Error::ShuttingDown`] for ever.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(match self.asynx.is_shutting_down() {
            false => Ok(()),
            true => Err(Error::ShuttingDown.into()),
        })
    }

    /// Describes the command; it is sent at the first poll of the future.
    fn call(&mut self, request: Request<C>) -> Self::Future {
        request.send(&self.asynx)
    }
}

impl<A: Aggregate, C> Clone for CommandService<A, C> {
    fn clone(&self) -> Self {
        Self {
            asynx: self.asynx.clone(),
            commands: PhantomData,
        }
    }
}

impl<A: Aggregate, C> fmt::Debug for CommandService<A, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandService")
            .field("asynx", &self.asynx)
            .finish_non_exhaustive()
    }
}
