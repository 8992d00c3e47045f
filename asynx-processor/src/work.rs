use std::sync::Arc;

use asynx_core::bus::{BusError, Delivery};
use asynx_core::{
    Aggregate, AggregateId, Ancestry, Caught, Command, Error, Event, EventId, EventName, Expected, Metadata, Panic,
    SendError, Stage, catch, drop_caught,
};
use asynx_observe::Trail;
use futures::channel::oneshot;
use futures::future::BoxFuture;

/// A command on its way through a shard. Dropped unanswered, it answers that asynx ended.
pub(crate) struct Work<A: Aggregate> {
    pub(crate) aggregate_id: AggregateId,
    pub(crate) event_name: EventName,
    pub(crate) event_id: EventId,
    /// Whether the event id stands for an idempotency key.
    pub(crate) keyed: bool,
    pub(crate) expected: Expected,
    pub(crate) metadata: Arc<Metadata>,
    pub(crate) snapshot: bool,
    /// Whether the caller waits for the handlers.
    pub(crate) tracked: bool,
    /// The handlers that led to it.
    pub(crate) ancestry: Ancestry,
    /// Whether it has run on the belief that there is no stream, without a look.
    pub(crate) unread: bool,
    /// How often it was tried in vain.
    pub(crate) attempts: u32,
    /// Whether it must be appended alone, to find out which of several is refused.
    pub(crate) alone: bool,
    pub(crate) trail: Trail,
    pub(crate) run: Box<dyn Run<A>>,
}

/// What a command does, whatever its type.
pub(crate) trait Run<A: Aggregate>: Send {
    fn run(&mut self, current: Option<&Arc<A>>) -> Verdict<A>;
    /// Whether nobody waits for the answer any more.
    fn is_cancelled(&self) -> bool;
    /// From here on the command may be carried out.
    fn take(&mut self);
    fn accept(self: Box<Self>, answer: Answer<A>);
    /// Answers with the rejection of the last run.
    fn reject(self: Box<Self>);
    fn fail(self: Box<Self>, error: Error);
}

/// What running a command came to.
pub(crate) enum Verdict<A> {
    Next(Arc<A>),
    /// The aggregate is to be forgotten; its last state.
    Tombstone(Arc<A>),
    Rejected,
    NotFound,
    Panicked(Stage, Panic),
}

/// What an accepted command answers.
pub(crate) struct Answer<A> {
    pub(crate) event: Event<A>,
    pub(crate) delivery: Option<Delivery>,
    /// Of a forget: what the bus does about it.
    pub(crate) forgetting: Option<BoxFuture<'static, Result<(), BusError>>>,
}

/// A user's command with who waits for it.
pub(crate) struct Typed<A: Aggregate, C: Command<A>> {
    command: Caught<C>,
    rejection: Option<Caught<C::Rejection>>,
    reply: Option<Reply<A, C::Rejection>>,
    taken: bool,
    aggregate_id: AggregateId,
    category: asynx_core::Category,
}

type Reply<A, R> = oneshot::Sender<Result<Answer<A>, SendError<R>>>;
pub(crate) type Replied<A, R> = oneshot::Receiver<Result<Answer<A>, SendError<R>>>;

impl<A: Aggregate, C: Command<A>> Typed<A, C> {
    pub(crate) fn new(
        command: Caught<C>,
        category: asynx_core::Category,
        aggregate_id: AggregateId,
    ) -> (Box<Self>, Replied<A, C::Rejection>) {
        let (reply, replied) = oneshot::channel();
        let typed = Box::new(Self {
            command,
            rejection: None,
            reply: Some(reply),
            taken: false,
            aggregate_id,
            category,
        });
        (typed, replied)
    }

    fn answer(&mut self, answer: Result<Answer<A>, SendError<C::Rejection>>) {
        if let Some(reply) = self.reply.take()
            && let Err(unheard) = reply.send(answer)
        {
            drop_caught(unheard);
        }
    }
}

impl<A: Aggregate, C: Command<A>> Run<A> for Typed<A, C> {
    fn run(&mut self, current: Option<&Arc<A>>) -> Verdict<A> {
        self.rejection = None;
        let current = current.map(|state| &**state);
        match catch(|| self.command.validate(current)) {
            Ok(Ok(())) => {}
            Ok(Err(rejection)) => {
                self.rejection = Some(Caught::new(rejection));
                return Verdict::Rejected;
            }
            Err(panic) => return Verdict::Panicked(Stage::Validate, panic),
        }
        match catch(|| self.command.emit(current)) {
            Ok(next) => Verdict::Next(Arc::new(next)),
            Err(panic) => Verdict::Panicked(Stage::Emit, panic),
        }
    }

    fn is_cancelled(&self) -> bool {
        self.reply.as_ref().is_none_or(oneshot::Sender::is_canceled)
    }

    fn take(&mut self) {
        self.taken = true;
    }

    fn accept(mut self: Box<Self>, answer: Answer<A>) {
        self.answer(Ok(answer));
    }

    fn reject(mut self: Box<Self>) {
        if let Some(rejection) = self.rejection.take() {
            self.answer(Err(SendError::Rejected(rejection.into_inner())));
        }
    }

    fn fail(mut self: Box<Self>, error: Error) {
        self.answer(Err(error.into()));
    }
}

impl<A: Aggregate, C: Command<A>> Drop for Typed<A, C> {
    fn drop(&mut self) {
        if self.reply.is_none() {
            return;
        }
        let error = match self.taken {
            false => Error::ShuttingDown,
            true => Error::Ended {
                stream: asynx_core::StreamId {
                    category: self.category.clone(),
                    aggregate_id: self.aggregate_id.clone(),
                },
            },
        };
        self.answer(Err(error.into()));
    }
}

/// A forget on its way through a shard: its tombstone is appended like any other event.
pub(crate) struct Tombstone<A> {
    pub(crate) reply: Option<oneshot::Sender<Result<Answer<A>, Error>>>,
    pub(crate) stream: asynx_core::StreamId,
    pub(crate) taken: bool,
}

impl<A: Aggregate> Tombstone<A> {
    fn answer(&mut self, answer: Result<Answer<A>, Error>) {
        if let Some(reply) = self.reply.take()
            && let Err(unheard) = reply.send(answer)
        {
            drop_caught(unheard);
        }
    }
}

impl<A: Aggregate> Run<A> for Tombstone<A> {
    fn run(&mut self, current: Option<&Arc<A>>) -> Verdict<A> {
        match current {
            Some(state) => Verdict::Tombstone(Arc::clone(state)),
            None => Verdict::NotFound,
        }
    }

    fn is_cancelled(&self) -> bool {
        self.reply.as_ref().is_none_or(oneshot::Sender::is_canceled)
    }

    fn take(&mut self) {
        self.taken = true;
    }

    fn accept(mut self: Box<Self>, answer: Answer<A>) {
        self.answer(Ok(answer));
    }

    fn reject(mut self: Box<Self>) {
        let stream = self.stream.clone();
        self.answer(Err(Error::NotFound { stream }));
    }

    fn fail(mut self: Box<Self>, error: Error) {
        self.answer(Err(error));
    }
}

impl<A> Drop for Tombstone<A> {
    fn drop(&mut self) {
        if let Some(reply) = self.reply.take() {
            let error = match self.taken {
                false => Error::ShuttingDown,
                true => Error::Ended {
                    stream: self.stream.clone(),
                },
            };
            if let Err(unheard) = reply.send(Err(error)) {
                drop_caught(unheard);
            }
        }
    }
}
