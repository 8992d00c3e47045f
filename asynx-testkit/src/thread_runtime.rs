use std::collections::hash_map::RandomState;
use std::future::poll_fn;
use std::hash::{BuildHasher, Hasher};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Poll, Waker};
use std::time::{Duration, SystemTime};

use asynx_core::{Runtime, Timestamp, catch_future};
use futures::future::BoxFuture;

/// A [`Runtime`] of plain threads: one for each task and each sleep. For tests of what needs no runtime of its own.
#[derive(Debug, Clone, Copy, Default)]
pub struct ThreadRuntime;

impl ThreadRuntime {
    /// Runs a future on the calling thread.
    pub fn block_on<T>(self, future: impl Future<Output = T>) -> T {
        futures::executor::block_on(future)
    }
}

impl Runtime for ThreadRuntime {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        // A payload that panics once more would end the process with the thread (R2).
        std::thread::spawn(move || futures::executor::block_on(catch_future(task)).ok());
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        let mut alarm: Option<Arc<Mutex<Alarm>>> = None;
        Box::pin(poll_fn(move |cx| {
            let alarm = alarm.get_or_insert_with(|| Alarm::after(duration));
            let mut alarm = alarm.lock().unwrap_or_else(PoisonError::into_inner);
            if alarm.rung {
                return Poll::Ready(());
            }
            alarm.waker = Some(cx.waker().clone());
            Poll::Pending
        }))
    }

    #[expect(clippy::disallowed_methods, reason = "a runtime is where the clock is read")]
    fn now(&self) -> Timestamp {
        SystemTime::now().into()
    }

    fn entropy(&self) -> u64 {
        RandomState::new().build_hasher().finish()
    }
}

#[derive(Default)]
struct Alarm {
    rung: bool,
    waker: Option<Waker>,
}

impl Alarm {
    #[expect(clippy::disallowed_methods, reason = "a runtime is where sleeping is done")]
    fn after(duration: Duration) -> Arc<Mutex<Self>> {
        let alarm = Arc::new(Mutex::new(Self::default()));
        let ringing = Arc::downgrade(&alarm);
        std::thread::spawn(move || {
            std::thread::sleep(duration);
            let Some(alarm) = ringing.upgrade() else { return };
            let mut alarm = alarm.lock().unwrap_or_else(PoisonError::into_inner);
            alarm.rung = true;
            let waker = alarm.waker.take();
            drop(alarm);
            waker.into_iter().for_each(Waker::wake);
        });
        alarm
    }
}
