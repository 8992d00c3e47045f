use std::sync::Arc;
use std::time::Duration;

use asynx_core::store::LogEvent;
use asynx_core::{Position, catch_future};
use futures::channel::oneshot;
use futures::future::{Either, abortable, select};

use super::Runner;
use super::post::{Post, Stop};
use crate::lifecycle::{Moved, Step};
use crate::projection::{Batch, HandlerError, Kind};
use crate::role::Role;
use crate::{Decode, Lifecycle};

pub(super) enum Tried<T = Option<Position>> {
    Done,
    Failed(HandlerError, u32),
    Moved(T),
}

impl<L: Lifecycle> Runner<L> {
    /// Gives a batch to the projection until it is handled, or it is clear that it will not be.
    pub(super) async fn try_batch(
        &self,
        post: &mut Post,
        events: &[LogEvent],
        batch: Vec<Arc<<L::Decode as Decode>::Entry>>,
        to: Option<Position>,
    ) -> Result<Tried, Stop> {
        let step = self.step(post, to);
        let batch: Arc<[_]> = batch.into();
        let replayed = matches!(post.role, Role::Rebuild(_));
        let mut attempts = 0;
        loop {
            if self.is_over(post) {
                return Err(Stop::Yield);
            }
            attempts += 1;
            let failure = match self.attempt(batch.clone(), replayed, &step).await {
                Ok(Moved::Yes) => {
                    self.moved(post, to, events);
                    return Ok(Tried::Done);
                }
                Ok(Moved::Handled) => {
                    self.put(post, &step).await?;
                    self.moved(post, to, events);
                    return Ok(Tried::Done);
                }
                Ok(Moved::No) => return self.moved_elsewhere(post, &step).await.map(Tried::Moved),
                Err(failure) => failure,
            };
            self.say(&failure.to_string());
            self.tell_stuck(post, events);
            let single = events.len() == 1;
            let again = match failure.kind {
                Kind::Transient => true,
                Kind::Permanent => false,
                Kind::Unknown => single && attempts < self.options.attempts,
            };
            if !again {
                return Ok(Tried::Failed(failure, attempts));
            }
            self.back_off(attempts, post).await;
        }
    }

    /// One attempt in a task of its own, so that a handler that blocks its thread is seen to be late all the same.
    async fn attempt(
        &self,
        batch: Arc<[Arc<<L::Decode as Decode>::Entry>]>,
        replayed: bool,
        step: &Step,
    ) -> Result<Moved, HandlerError> {
        let (lifecycle, step) = (self.lifecycle.clone(), step.clone());
        let (reply, outcome) = oneshot::channel();
        let handling = async move {
            let handling = Box::pin(async { lifecycle.handle(Batch::new(&batch, replayed), &step).await });
            let outcome = catch_future(handling).await;
            let outcome = outcome.unwrap_or_else(|panic| Err(HandlerError::from(format!("the handler {panic}"))));
            // Nobody waits any more if it was late.
            let _ = reply.send(outcome);
        };
        let (handling, abort) = abortable(handling);
        self.runtime.spawn(Box::pin(async move {
            let _ = handling.await;
        }));
        let timeout = self.options.timeout;
        match select(outcome, self.runtime.sleep(timeout)).await {
            Either::Left((Ok(outcome), _)) => outcome,
            Either::Left((Err(_), _)) => Err(HandlerError::from("the handler's task was dropped")),
            Either::Right(_) => {
                abort.abort();
                Err(HandlerError::from(format!(
                    "the handler was not done within {timeout:?}"
                )))
            }
        }
    }

    /// Moves the checkpoint behind what was handled.
    async fn put(&self, post: &Post, step: &Step) -> Result<(), Stop> {
        let mut failures = 0;
        loop {
            match step.put().await {
                Ok(Moved::No) => return Err(Stop::Yield),
                Ok(_) => return Ok(()),
                Err(error) => self.say(&error.to_string()),
            }
            failures += 1;
            self.back_off(failures, post).await;
            if !post.tenure.is_held() {
                return Err(Stop::Yield);
            }
        }
    }

    fn moved(&self, post: &mut Post, to: Option<Position>, events: &[LogEvent]) {
        post.position = to;
        post.kept = to;
        let until = events.last().map(|last| last.occurred_at);
        let now = self.runtime.now().as_micros();
        self.board.change(|status| {
            status.position = to;
            status.handled += events.len() as u64;
            status.remaining = status
                .remaining
                .map(|remaining| remaining.saturating_sub(events.len() as u64));
            status.handled_until = until;
            status.lag = until.map(|until| Duration::from_micros((now - until.as_micros()).max(0).unsigned_abs()));
        });
    }
}
