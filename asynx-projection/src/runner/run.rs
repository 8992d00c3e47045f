use std::sync::Arc;
use std::time::Duration;

use asynx_core::Runtime;
use futures::future::{Either, select};

use super::control::{Control, Wish};
use super::page::read_ahead;
use super::post::{Post, Stop};
use crate::limits::Limits;
use crate::partitions::{Partition, Share};
use crate::role::{Built, Role};
use crate::status::{Board, State};
use crate::subscribe::Reader;
use crate::{Lifecycle, ProjectionOptions};

/// Runs one partition of a projection.
pub(crate) struct Runner<L: Lifecycle> {
    pub(crate) reader: Reader,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) lifecycle: Arc<L>,
    pub(crate) decode: L::Decode,
    pub(crate) name: String,
    pub(crate) holder: String,
    pub(crate) built: Built,
    pub(crate) partition: Partition,
    pub(crate) share: Arc<Share>,
    pub(crate) options: ProjectionOptions,
    /// What the projection is called, without version and partition.
    pub(crate) projection: String,
    pub(crate) limits: Limits,
    pub(crate) board: Arc<Board>,
    pub(crate) control: Arc<Control>,
    /// Since when this version has been stopped for one that has not taken over.
    pub(crate) leaving_since: Option<i64>,
}

impl<L: Lifecycle> Runner<L> {
    pub(crate) async fn run(mut self) {
        loop {
            let (wish, number) = self.control.get();
            match wish {
                Wish::Stop => break,
                Wish::Pause => {
                    self.board.change(|status| status.state = State::Paused);
                    self.control.changed(number).await;
                }
                Wish::Run => self.serve(number).await,
            }
        }
        self.board.change(|status| status.state = State::Stopped);
    }

    /// Waits for the projection, and runs it for as long as it is this process's.
    async fn serve(&mut self, wish: u64) {
        self.board.change(|status| status.state = State::Waiting);
        if !self.share.take() {
            return self.rest(self.options.lease_time / 5, wish).await;
        }
        let stop = match self.take_post(wish).await {
            Ok(Some(mut post)) => {
                let stop = self.work(&mut post).await;
                self.tell_stop(stop.as_ref());
                post.tenure.give_back().await;
                stop
            }
            Ok(None) => {
                self.share.give_back();
                return self.rest(self.options.lease_time / 5, wish).await;
            }
            Err(error) => {
                self.share.give_back();
                self.say(&error.to_string());
                return self
                    .rest(self.options.max_backoff.min(self.options.lease_time), wish)
                    .await;
            }
        };
        match stop {
            // Its place is given back already.
            None => {}
            Some(Stop::Yield) => self.share.give_back(),
            Some(Stop::Replaced) => {
                self.leaving_since = None;
                self.share.give_back();
                self.rest(self.options.lease_time, wish).await;
            }
            Some(Stop::Leaving(in_use)) => {
                self.share.give_back();
                if self.goes_on(in_use).await {
                    self.leaving_since = None;
                } else {
                    self.rest(self.options.lease_time, wish).await;
                }
            }
            Some(Stop::Failed(_)) => {
                self.share.give_back();
                self.control.changed(wish).await;
            }
            Some(Stop::Newer(_)) => {
                self.share.give_back();
                self.rest(self.options.lease_time, wish).await;
            }
        }
    }

    fn tell_stop(&self, stop: Option<&Stop>) {
        self.board.change(|status| match stop {
            None | Some(Stop::Yield) => {}
            Some(Stop::Replaced | Stop::Leaving(_)) => status.state = State::Replaced,
            Some(Stop::Failed(said) | Stop::Newer(said)) => {
                status.state = State::Failed;
                status.last_error = Some(said.clone());
            }
        });
    }

    /// Handles page after page. `None`: the partition was given up to another process, and its place with it.
    async fn work(&mut self, post: &mut Post) -> Option<Stop> {
        self.board.change(|status| status.position = post.position);
        self.count(post);
        let (mut failures, mut ahead) = (0, None);
        loop {
            if self.is_over(post) {
                return Some(Stop::Yield);
            }
            if self.partition.of > 1 && self.share.give_up() {
                return None;
            }
            let began = self.runtime.now().as_micros();
            if let Err(stop) = self.check_role(post).await {
                return Some(stop);
            }
            let mut page = match self.next_page(post, ahead.take()).await {
                Ok(page) => page,
                Err(error) if error.is_transient() => {
                    self.say(&error.to_string());
                    failures += 1;
                    self.back_off(failures, post).await;
                    continue;
                }
                Err(error) => return Some(Stop::Failed(error.to_string())),
            };
            failures = 0;
            let at_end = page.at_end;
            let rebuilding = matches!(post.role, Role::Rebuild(_));
            if !at_end {
                let state = if rebuilding {
                    State::Rebuilding
                } else {
                    State::CatchingUp
                };
                self.board.change(|status| status.state = state);
                if self.board.get().remaining == Some(0) {
                    self.count(post);
                }
            }
            let mut own = std::mem::take(&mut page.events);
            own.retain(|event| self.partition.has(&event.stream));
            if own.is_empty() {
                if let Err(stop) = self.pass_by(post, &page).await {
                    return Some(stop);
                }
            } else {
                let reader = self.reader.clone();
                let reading = Box::pin(read_ahead(&reader, &page));
                let handling = Box::pin(self.handle_page(post, &page, own, began));
                // The page is asked for before this one is decoded.
                ahead = match select(reading, handling).await {
                    Either::Right((Ok(()), reading)) => reading.await,
                    Either::Right((Err(stop), _)) => return Some(stop),
                    Either::Left((read, handling)) => match handling.await {
                        Ok(()) => read,
                        Err(stop) => return Some(stop),
                    },
                };
            }
            if at_end {
                let is_switched_to = self.is_switched_to(post);
                self.board.change(|status| {
                    status.state = match rebuilding {
                        true if is_switched_to => State::Switching,
                        true => State::Ready,
                        false => State::Live,
                    };
                    status.lag = Some(Duration::ZERO);
                    status.remaining = Some(0);
                });
                if self.finish_switch(post).await {
                    return Some(Stop::Yield);
                }
                self.idle(post).await;
            }
        }
    }

    /// Waits for new events, a wish, or the time to look after the lease.
    async fn idle(&self, post: &Post) {
        if matches!(post.role, Role::Rebuild(_)) {
            // It may be waiting for the version in use instead, which nothing tells of.
            let soon = self.options.poll_interval.min(Duration::from_millis(100));
            return self.rest(soon, post.wish).await;
        }
        let waiting = Box::pin(self.reader.wait(post.position));
        let rest = Box::pin(self.rest(self.options.lease_time / 5, post.wish));
        select(waiting, rest).await;
    }

    pub(super) async fn back_off(&self, failures: u32, post: &Post) {
        let exponent = failures.saturating_sub(1).min(20);
        let longest = self
            .options
            .backoff
            .saturating_mul(1 << exponent)
            .min(self.options.max_backoff);
        let micros = u64::try_from(longest.as_micros()).unwrap_or(u64::MAX).max(2);
        let pause = Duration::from_micros(micros / 2 + self.runtime.entropy() % (micros / 2));
        self.rest(pause, post.wish).await;
    }

    async fn rest(&self, time: Duration, wish: u64) {
        let changed = Box::pin(self.control.changed(wish));
        select(self.runtime.sleep(time), changed).await;
    }
}
