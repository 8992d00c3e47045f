use std::sync::{Arc, Weak};
use std::task::{Wake, Waker};

use super::state::World;

struct TaskWaker {
    world: Weak<World>,
    task: u64,
}

/// The waker of a task.
pub(super) fn waker(world: &Arc<World>, task: u64) -> Waker {
    let world = Arc::downgrade(world);
    Arc::new(TaskWaker { world, task }).into()
}

impl Wake for TaskWaker {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if let Some(world) = self.world.upgrade() {
            world.wake(self.task);
        }
    }
}
