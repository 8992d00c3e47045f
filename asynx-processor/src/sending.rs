use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll};

use async_channel::TrySendError;
use asynx_core::{
    Aggregate, AggregateId, Ancestry, Applied, Caught, Command, Context, Error, Event, EventId, EventName, Expected,
    Metadata, SendError, Stage, catch,
};
use asynx_observe::{Outcome, Sent, Span, Trail};
use futures::future::{BoxFuture, FutureExt};

use crate::options::Overflow;
use crate::processor::Handle;
use crate::work::{Replied, Typed, Work};

/// A command to send: nothing happens until it is awaited, so options chain on it. Resolves to the durable event.
///
/// # Cancel safety
/// Dropped before its shard took the command, the command is not carried out. Dropped afterwards, the command is
/// carried out to its end and only its answer is lost: which of the two, the dropper cannot tell. Send it again with
/// the same [`idempotency_key`](Self::idempotency_key) to find out.
#[must_use = "a command is sent only when this is awaited"]
pub struct Sending<A: Aggregate, C: Command<A>> {
    handle: Arc<Handle<A>>,
    step: Step<A, C>,
    options: SendOptions,
    sent: Sent,
}

struct SendOptions {
    expected: Expected,
    key: Option<String>,
    metadata: Metadata,
    ancestry: Ancestry,
    tracked: bool,
}

enum Step<A: Aggregate, C: Command<A>> {
    Described(Caught<C>),
    /// Waiting for a place in the queue.
    Queueing(BoxFuture<'static, bool>, Replied<A, C::Rejection>),
    Queued(Replied<A, C::Rejection>),
    /// Waiting for the handlers.
    Delivering(BoxFuture<'static, Event<A>>),
    Done,
}

// The command is moved out before it runs and never pinned.
impl<A: Aggregate, C: Command<A>> Unpin for Sending<A, C> {}

impl<A: Aggregate, C: Command<A>> Sending<A, C> {
    pub(crate) fn new(handle: Arc<Handle<A>>, command: C) -> Self {
        let mut metadata = Metadata::default();
        let context = Context::current();
        if let Some(context) = &context {
            context.inherit(&mut metadata);
        }
        Self {
            handle,
            step: Step::Described(Caught::new(command)),
            options: SendOptions {
                expected: Expected::Any,
                key: None,
                metadata,
                ancestry: context.map(|context| context.ancestry().clone()).unwrap_or_default(),
                tracked: false,
            },
            sent: Sent::default(),
        }
    }

    /// Carries the command out only if the aggregate is as expected; else
    /// [`Error::Unexpected`], by a state that was current during the call.
    pub fn expecting(mut self, expected: Expected) -> Self {
        self.options.expected = expected;
        self
    }

    /// Makes sending again safe: the first command with this key (1 to 255 bytes, within its aggregate) is carried
    /// out, later ones get its event. Keys never expire; after a forget they answer [`Error::Forgotten`].
    pub fn idempotency_key(mut self, key: impl Into<String>) -> Self {
        self.options.key = Some(key.into());
        self
    }

    /// Sets the correlation id, instead of the one inherited from the handler that sends.
    pub fn correlation(mut self, id: impl Into<String>) -> Self {
        self.options.metadata.correlation_id = Some(id.into());
        self
    }

    /// Sets who asks for it.
    pub fn user(mut self, user: impl Into<String>) -> Self {
        self.options.metadata.user = Some(user.into());
        self
    }

    /// Sets on behalf of which tenant.
    pub fn tenant(mut self, tenant: impl Into<String>) -> Self {
        self.options.metadata.tenant = Some(tenant.into());
        self
    }

    /// Sets the W3C trace context. Without, it is what the builder's `trace_context` gives at the first poll.
    pub fn traceparent(mut self, traceparent: impl Into<String>) -> Self {
        self.options.metadata.traceparent = Some(traceparent.into());
        self
    }

    /// Sets what tracing systems add to the trace context.
    pub fn tracestate(mut self, tracestate: impl Into<String>) -> Self {
        self.options.metadata.tracestate = Some(tracestate.into());
        self
    }

    /// Adds a free pair to the event's metadata.
    pub fn metadata(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.options.metadata.extra.insert(name.into(), value.into());
        self
    }

    /// Names the event that caused the command: its correlation id is inherited, its id is the causation. A command
    /// that is sent inside a handler does so by itself; this is for tasks that a handler spawned, and for sagas.
    pub fn caused_by<B>(mut self, event: &Event<B>) -> Self {
        let context = event.context();
        self.options.metadata.correlation_id = None;
        self.options.metadata.causation_id = None;
        context.inherit(&mut self.options.metadata);
        self.options.ancestry = context.ancestry().clone();
        self
    }

    /// Waits also until every handler that matches has ended, fallbacks included. Handlers that wait for this very
    /// command (it is sent from one of them) are not waited for. The event is durable before the waiting begins.
    pub fn and_wait(mut self) -> Self {
        self.options.tracked = true;
        self
    }

    fn begin(&mut self, command: Caught<C>) -> Result<Step<A, C>, Error> {
        let shared = &self.handle.shared;
        let described = catch(|| {
            let id = AggregateId::parse(command.aggregate_id());
            let name = EventName::parse(command.event_name());
            (id, name, command.should_snapshot())
        });
        let (id, name, snapshot) = described.map_err(|panic| Error::Panicked {
            stream: None,
            stage: Stage::Describe,
            panic,
        })?;
        let (aggregate_id, event_name) = (id?, name?);
        let event_id = match &self.options.key {
            Some(key) if key.is_empty() || key.len() > 255 => return Err(Error::InvalidKey { bytes: key.len() }),
            Some(key) => EventId::from_key(&shared.stream(&aggregate_id), key),
            None => EventId::generate(&*shared.runtime),
        };
        let span = Span::send(&shared.category, &aggregate_id, &event_name, event_id);
        self.sent.is(&span);
        if self.options.metadata.traceparent.is_none()
            && let Some(context) = span.in_scope(|| shared.hooks.current_trace_context())
        {
            self.options.metadata.trace(context);
        }
        let (run, replied) = Typed::new(command, shared.category.clone(), aggregate_id.clone());
        let work = Work {
            aggregate_id,
            event_name,
            event_id,
            keyed: self.options.key.is_some(),
            expected: self.options.expected,
            metadata: Arc::new(std::mem::take(&mut self.options.metadata)),
            snapshot,
            tracked: self.options.tracked,
            ancestry: self.options.ancestry.clone(),
            unread: false,
            attempts: 0,
            alone: false,
            trail: Trail::new(span, self.sent.began()),
            run,
        };
        if shared.is_closing() {
            return Err(Error::ShuttingDown);
        }
        let queue = self.handle.queue(&work.aggregate_id);
        match queue.try_send(work) {
            Ok(()) => Ok(Step::Queued(replied)),
            Err(TrySendError::Closed(_)) => Err(Error::ShuttingDown),
            Err(TrySendError::Full(work)) => match shared.options.overflow {
                Overflow::Reject => Err(Error::QueueFull {
                    depth: queue.capacity().unwrap_or_default(),
                }),
                Overflow::Wait => {
                    let queue = queue.clone();
                    let queueing = async move { queue.send(work).await.is_ok() };
                    Ok(Step::Queueing(queueing.boxed(), replied))
                }
            },
        }
    }
}

impl<A: Aggregate, C: Command<A>> Future for Sending<A, C> {
    type Output = Result<Event<A>, SendError<C::Rejection>>;

    fn poll(self: Pin<&mut Self>, cx: &mut TaskContext<'_>) -> Poll<Self::Output> {
        let this = self.get_mut();
        let polled = this.advance(cx);
        if let Poll::Ready(answer) = &polled {
            this.answered(answer);
        }
        polled
    }
}

type Answered<A, C> = Result<Event<A>, SendError<<C as Command<A>>::Rejection>>;

impl<A: Aggregate, C: Command<A>> Sending<A, C> {
    fn advance(&mut self, cx: &mut TaskContext<'_>) -> Poll<Answered<A, C>> {
        let this = self;
        loop {
            match std::mem::replace(&mut this.step, Step::Done) {
                Step::Described(command) => {
                    this.sent.begin(this.handle.shared.moment());
                    match this.begin(command) {
                        Ok(step) => this.step = step,
                        Err(error) => return Poll::Ready(Err(error.into())),
                    }
                }
                Step::Queueing(mut queueing, replied) => match queueing.poll_unpin(cx) {
                    Poll::Ready(true) => this.step = Step::Queued(replied),
                    Poll::Ready(false) => return Poll::Ready(Err(Error::ShuttingDown.into())),
                    Poll::Pending => {
                        this.step = Step::Queueing(queueing, replied);
                        return Poll::Pending;
                    }
                },
                Step::Queued(mut replied) => match replied.poll_unpin(cx) {
                    Poll::Ready(Ok(Ok(answer))) => match answer.delivery {
                        None => return Poll::Ready(Ok(answer.event)),
                        Some(delivery) => {
                            let ancestry = this.options.ancestry.clone();
                            let event = answer.event;
                            let delivering = async move {
                                delivery.wait(&ancestry).await;
                                event
                            };
                            this.step = Step::Delivering(delivering.boxed());
                        }
                    },
                    Poll::Ready(Ok(Err(error))) => return Poll::Ready(Err(error)),
                    // A work answers even when it is dropped.
                    Poll::Ready(Err(_)) => return Poll::Ready(Err(Error::ShuttingDown.into())),
                    Poll::Pending => {
                        this.step = Step::Queued(replied);
                        return Poll::Pending;
                    }
                },
                Step::Delivering(mut delivering) => match delivering.poll_unpin(cx) {
                    Poll::Ready(event) => return Poll::Ready(Ok(event)),
                    Poll::Pending => {
                        this.step = Step::Delivering(delivering);
                        return Poll::Pending;
                    }
                },
                Step::Done => panic!("a command was polled after it was answered"),
            }
        }
    }

    fn answered(&mut self, answer: &Answered<A, C>) {
        if let Ok(event) = answer {
            self.sent.version(event.version);
        }
        let shared = &self.handle.shared;
        let outcome = || match answer {
            Ok(_) => Outcome::Accepted,
            Err(SendError::Rejected(_)) => Outcome::Rejected,
            Err(SendError::Failed(error)) if error.applied() == Applied::Unknown => Outcome::Unknown,
            Err(SendError::Failed(_)) => Outcome::Failed,
        };
        self.sent.end(&shared.figures, || shared.moment(), outcome);
    }
}

impl<A: Aggregate, C: Command<A>> Drop for Sending<A, C> {
    fn drop(&mut self) {
        let shared = &self.handle.shared;
        self.sent
            .end(&shared.figures, || shared.moment(), || Outcome::Cancelled);
    }
}

impl<A: Aggregate, C: Command<A>> fmt::Debug for Sending<A, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sending")
            .field("expected", &self.options.expected)
            .field("metadata", &self.options.metadata)
            .finish_non_exhaustive()
    }
}
