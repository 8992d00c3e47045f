use std::sync::Arc;
use std::time::Duration;

use asynx_core::Position;
use asynx_core::store::LogEvent;
use asynx_observe::Moment;

use super::Runner;
use super::post::{Post, Stop};
use crate::lifecycle::{Moved, Step};
use crate::projection::{Batch, HandlerError, Kind};
use crate::{Decode, Lifecycle};

/// How often a checkpoint is tried to be kept when it is time to stop.
const LAST_TRIES: u32 = 3;

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
        replayed: bool,
        to: Option<Position>,
    ) -> Result<Tried, Stop> {
        let step = self.step(post, to);
        let batch: Arc<[_]> = batch.into();
        // What was said to be transient makes no poison of what fails otherwise afterwards.
        let (mut attempts, mut unexplained) = (0, 0);
        loop {
            if self.is_over(post) {
                return Err(Stop::Yield);
            }
            attempts += 1;
            let failure = match self.attempt(events, batch.clone(), replayed, &step).await {
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
            unexplained += u32::from(failure.kind == Kind::Unknown);
            let again = match failure.kind {
                Kind::Transient => true,
                Kind::Permanent => false,
                Kind::Unknown => single && unexplained < self.options.attempts,
            };
            if !again {
                return Ok(Tried::Failed(failure, attempts));
            }
            self.back_off(attempts, post).await;
        }
    }

    async fn attempt(
        &self,
        events: &[LogEvent],
        batch: Arc<[Arc<<L::Decode as Decode>::Entry>]>,
        replayed: bool,
        step: &Step,
    ) -> Result<Moved, HandlerError> {
        let (lifecycle, step) = (self.lifecycle.clone(), step.clone());
        let limits = step.limits.clone();
        let figures = &self.board.figures;
        let span = figures.span(events);
        let handling = async move { lifecycle.handle(Batch::new(&batch, replayed), &step).await };
        let began = Moment::now(&*self.runtime);
        let handled = limits.task(self.lifecycle.calls(), span.around(handling)).await;
        figures.attempted(began, &*self.runtime);
        span.outcome(if handled.is_ok() { "handled" } else { "failed" });
        handled
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
            // Who is asked to stop tries a little longer, so that the batch need not come again.
            if !post.tenure.is_held() || (self.is_over(post) && failures >= LAST_TRIES) {
                return Err(Stop::Yield);
            }
            self.back_off(failures, post).await;
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
