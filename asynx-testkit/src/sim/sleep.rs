use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};
use std::time::Duration;

use super::state::World;

/// Ends when the virtual clock has come to a moment.
pub(super) struct Sleep {
    world: Weak<World>,
    due: u64,
    timer: Option<u64>,
}

impl Sleep {
    pub(super) fn new(world: &Arc<World>, duration: Duration) -> Self {
        // A part of a microsecond counts as a whole one: no sleep is too short.
        let micros = u64::try_from(duration.as_nanos().div_ceil(1_000)).unwrap_or(u64::MAX);
        let due = world.lock().now.saturating_add(micros);
        Self {
            world: Arc::downgrade(world),
            due,
            timer: None,
        }
    }
}

impl Future for Sleep {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Some(world) = self.world.upgrade() else {
            return Poll::Pending;
        };
        let waker = cx.waker().clone();
        let mut state = world.lock();
        if state.now >= self.due {
            return Poll::Ready(());
        }
        let timer = self.timer.unwrap_or_else(|| state.timer());
        let replaced = state.timers.insert((self.due, timer), waker);
        drop(state);
        drop(replaced);
        self.timer = Some(timer);
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let (Some(timer), Some(world)) = (self.timer, self.world.upgrade()) {
            let waker = world.lock().timers.remove(&(self.due, timer));
            drop(waker);
        }
    }
}
