use std::sync::Arc;
use std::time::Duration;

use asynx_core::store::LogEvent;

use super::Runner;
use super::post::Post;
use crate::Lifecycle;
use crate::role::Role;
use crate::status::State;

impl<L: Lifecycle> Runner<L> {
    /// Counts what is ahead, for who looks, beside the work: of a long log that takes seconds.
    pub(super) fn count(&self, post: &Post) {
        const MOST: u64 = 10_000_000;
        let mut handled = 0;
        self.board.change(|status| {
            status.remaining = None;
            handled = status.handled;
        });
        let (reader, board) = (self.reader.clone(), Arc::clone(&self.board));
        let (position, partitions) = (post.position, self.partition.of as u64);
        self.runtime.spawn(Box::pin(async move {
            let Some(log) = reader.store.log() else { return };
            let Ok(count) = log.count(position, &reader.filter, MOST).await else {
                return;
            };
            board.change(|status| {
                let since = status.handled - handled;
                status.remaining = match status.state {
                    State::Live => Some(0),
                    _ => Some((count / partitions).saturating_sub(since)),
                };
            });
        }));
    }

    /// The speed of the last pages, the newest counting most.
    pub(super) fn tell_speed(&self, events: &[LogEvent], began: i64) {
        let took = (self.runtime.now().as_micros() - began).max(1);
        #[expect(clippy::cast_precision_loss, reason = "it is told to people")]
        let speed = events.len() as f64 * 1e6 / took as f64;
        self.board.change(|status| {
            let before = status.events_per_second;
            status.events_per_second = if before > 0.0 {
                before.mul_add(0.8, speed * 0.2)
            } else {
                speed
            };
        });
    }

    /// It is behind by what it could not handle, also where it was live until then.
    pub(super) fn tell_stuck(&self, post: &Post, events: &[LogEvent]) {
        let now = self.runtime.now().as_micros();
        let lag = events
            .first()
            .map(|first| Duration::from_micros((now - first.occurred_at.as_micros()).max(0).unsigned_abs()));
        self.board.change(|status| {
            status.state = match post.role {
                Role::Rebuild(_) => State::Rebuilding,
                _ => State::CatchingUp,
            };
            status.lag = lag;
        });
    }

    /// What went wrong, for who looks.
    pub(super) fn say(&self, error: &str) {
        self.board.say(error);
    }
}
