//! Calls to asynx, recorded.

use std::pin::Pin;
use std::task::{Context, Poll};

use asynx_core::{Event, Expected, Runtime, SendError, Version};
use asynx_processor::Processor;
use asynx_testkit::sim::SimProcess;
use futures::channel::oneshot;
use futures::future::{BoxFuture, FutureExt};
use futures::stream::StreamExt;

use crate::history::{Answer, Caller, History, Request, Seen};
use crate::ledger::{Ledger, Op};

/// One life of a process, as its callers see it.
#[derive(Clone)]
pub(crate) struct Alive {
    pub(crate) history: History,
    pub(crate) process: SimProcess,
    pub(crate) life: usize,
    pub(crate) processor: Processor<Ledger>,
}

/// A command with what chains on it.
#[derive(Clone)]
pub(crate) struct Sent {
    pub(crate) op: Op,
    pub(crate) expected: Expected,
    pub(crate) key: Option<String>,
    pub(crate) wait: bool,
    /// Of a command that a handler sends.
    pub(crate) by_handler: bool,
}

impl Alive {
    pub(crate) async fn send(&self, by: Caller, sent: Sent) -> Answer {
        let attempt = self.history.next_attempt();
        let request = Request::Send {
            attempt,
            op: sent.op.clone(),
            expected: sent.expected,
            key: sent.key.clone(),
            wait: sent.wait,
        };
        let calling = self.history.call(self.life, &self.process, by, request);
        let mut sending = self.processor.send(sent.op).expecting(sent.expected);
        sending = sending.metadata("attempt", attempt.to_string());
        if sent.by_handler {
            sending = sending.metadata("handler", "yes");
        }
        if let Some(key) = sent.key {
            sending = sending.idempotency_key(key);
        }
        if sent.wait {
            sending = sending.and_wait();
        }
        let answer = match sending.await {
            Ok(event) => Answer::Event(seen(&event)),
            Err(SendError::Rejected(refusal)) => Answer::Rejected(refusal),
            Err(SendError::Failed(error)) => Answer::Failed(error),
        };
        calling.answered(answer.clone());
        answer
    }

    /// A call that sends nothing.
    pub(crate) async fn ask(&self, by: Caller, request: Request) -> Answer {
        let calling = self.history.call(self.life, &self.process, by, request.clone());
        let processor = &self.processor;
        let answer = match &request {
            Request::Send { .. } => Answer::Waiting,
            Request::Get(id) => processor
                .get(id)
                .await
                .map(|state| Answer::State((*state).clone()))
                .unwrap_or_else(Answer::Failed),
            Request::Exists(id) => processor.exists(id).await.map_or_else(Answer::Failed, Answer::Exists),
            Request::GetAt(id, version) => {
                let version = Version::new(*version).unwrap_or(Version::FIRST);
                let got = processor.get_at(id, version).await;
                got.map_or_else(Answer::Failed, |state| Answer::State((*state).clone()))
            }
            Request::History(id) => {
                let mut events = Vec::new();
                let mut stream = processor.history(id);
                loop {
                    match stream.next().await {
                        Some(Ok(event)) => events.push(seen(&event)),
                        Some(Err(error)) => break Answer::Failed(error),
                        None => break Answer::Events(events),
                    }
                }
            }
            Request::Forget(id) => match processor.forget(id).await {
                Ok(()) => Answer::Forgot,
                Err(error) => Answer::Failed(error),
            },
        };
        calling.answered(answer.clone());
        answer
    }
}

pub(crate) fn seen(event: &Event<Ledger>) -> Seen {
    Seen {
        id: event.id,
        version: event.version.get(),
        name: event.event_name.to_string(),
        state: (*event.aggregate).clone(),
        previous: event.previous.as_deref().cloned(),
    }
}

/// Runs something as a task of a process; `None` when the process dies before it has ended.
pub(crate) async fn within<T: Send + 'static>(
    process: &SimProcess,
    task: impl Future<Output = T> + Send + 'static,
) -> Option<T> {
    let (done, ended) = oneshot::channel();
    process.spawn(task.map(|answer| drop(done.send(answer))).boxed());
    ended.await.ok()
}

/// Drops a future after some polls.
pub(crate) struct Cut<T> {
    pub(crate) future: Option<BoxFuture<'static, T>>,
    pub(crate) polls: u64,
}

impl<T> Future for Cut<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let Some(future) = &mut self.future else {
            return Poll::Ready(None);
        };
        if let Poll::Ready(answer) = future.poll_unpin(cx) {
            return Poll::Ready(Some(answer));
        }
        self.polls = self.polls.saturating_sub(1);
        if self.polls == 0 {
            self.future = None;
            return Poll::Ready(None);
        }
        Poll::Pending
    }
}
