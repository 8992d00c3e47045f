use std::sync::Arc;
use std::task::Poll;

use asynx_core::bus::{Handler, HandlerFailure};
use asynx_core::{Aggregate, Event, drop_caught};
use futures::future::{self, AbortRegistration, Abortable, BoxFuture};

use crate::given::Job;
use crate::handling;
use crate::queue::{Phase, Queue};

/// After so many events a worker lets other tasks run, should its handlers never wait.
const EVENTS_PER_TURN: usize = 32;

/// Handles a queue's events one after the other until none is ready.
pub(crate) struct Worker<A: Aggregate> {
    queue: Arc<Queue<A>>,
    number: u64,
    /// What it handles; dropped with it, it was cut off.
    job: Option<Job<A>>,
}

impl<A: Aggregate> Worker<A> {
    pub(crate) const fn new(queue: Arc<Queue<A>>, number: u64, job: Job<A>) -> Self {
        let job = Some(job);
        Self { queue, number, job }
    }

    /// The task. When the registration is aborted, the running handler is dropped with it.
    pub(crate) fn run(self, registration: AbortRegistration) -> BoxFuture<'static, ()> {
        Box::pin(async move {
            let _ = Abortable::new(self.work(), registration).await;
        })
    }

    async fn work(mut self) {
        let mut handled = 0;
        while let Some(job) = &self.job {
            match self.queue.phase() {
                Phase::Open => handle(&self.queue, &job.event).await,
                // It was unsubscribed or closed between the push and now.
                Phase::Ended => {}
                Phase::Closed => return,
            }
            if let Some(job) = self.job.take() {
                self.job = self.queue.finish(self.number, job);
            }
            handled += 1;
            if handled % EVENTS_PER_TURN == 0 {
                let_others_run().await;
            }
        }
    }
}

impl<A: Aggregate> Drop for Worker<A> {
    fn drop(&mut self) {
        if let Some(job) = self.job.take() {
            self.queue.cut_off(self.number, job);
        }
    }
}

/// Runs the handler, and the fallback where it fails (B4).
async fn handle<A: Aggregate>(queue: &Queue<A>, event: &Event<A>) {
    let event = handling::received_by(event.clone(), queue.id);
    if attempt(queue, &queue.handler, &event).await {
        return;
    }
    let Some(fallback) = &queue.fallback else { return };
    if queue.phase() == Phase::Closed {
        queue.failed(&event, &HandlerFailure::Closed);
        return;
    }
    attempt(queue, fallback, &event).await;
}

/// Whether the handler succeeded; the hooks are told when not.
async fn attempt<A: Aggregate>(queue: &Queue<A>, handler: &Handler<A>, event: &Event<A>) -> bool {
    let runtime = &*queue.runtime;
    let handling = handling::attempt(handler, event, queue.timeout, runtime);
    let handled = queue.figures.around(runtime, event, queue.id, handling).await;
    let Err(failure) = handled else { return true };
    queue.failed(event, &failure);
    // It may hold the user's error.
    drop_caught(failure);
    false
}

async fn let_others_run() {
    let mut polled = false;
    future::poll_fn(|cx| {
        if polled {
            return Poll::Ready(());
        }
        polled = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
