use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use asynx_core::{Runtime, Timestamp};
use futures::future::BoxFuture;

use super::sleep::Sleep;
use super::state::World;

/// A group of tasks that live and die together, and the [`Runtime`] that spawns into it. Clones are the same process.
#[derive(Clone)]
pub struct SimProcess {
    pub(super) world: Arc<World>,
    pub(super) number: usize,
}

impl SimProcess {
    /// Kills it: when the present step is over, all its tasks are dropped, and it takes no more.
    pub fn kill(&self) {
        let mut state = self.world.lock();
        if !std::mem::replace(&mut state.processes[self.number].killed, true) {
            state.dying.push(self.number);
        }
    }

    /// Whether it was killed.
    #[must_use]
    pub fn is_killed(&self) -> bool {
        self.world.lock().processes[self.number].killed
    }

    /// Stops it for a while, as a machine that hangs or is moved: its tasks are not run, while time goes on. The process
    /// that `block_on` was called in cannot be paused.
    pub fn pause(&self) {
        self.world.lock().pause(self.number);
    }

    /// Lets it go on, not knowing that it was paused.
    pub fn resume(&self) {
        self.world.lock().resume(self.number);
    }

    /// How many of its tasks have not ended.
    #[must_use]
    pub fn tasks(&self) -> usize {
        let state = self.world.lock();
        let own = state.tasks.iter().filter(|(_, task)| task.process == self.number);
        own.count()
    }

    /// How many of its tasks panicked.
    #[must_use]
    pub fn panics(&self) -> u64 {
        self.world.lock().processes[self.number].panics
    }
}

impl Runtime for SimProcess {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        let refused = self.world.lock().spawn(self.number, task);
        drop(refused);
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        Box::pin(Sleep::new(&self.world, duration))
    }

    fn now(&self) -> Timestamp {
        Timestamp::from_micros(i64::try_from(self.world.lock().now).unwrap_or(i64::MAX))
    }

    fn entropy(&self) -> u64 {
        self.world.lock().entropy.bits()
    }
}

impl fmt::Debug for SimProcess {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self.world.lock().processes[self.number].name.clone();
        f.debug_tuple("SimProcess").field(&name).finish()
    }
}
