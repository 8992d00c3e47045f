//! A runtime that is broken in one way.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use asynx_core::{Runtime, Timestamp};
use asynx_testkit::ThreadRuntime;
use futures::FutureExt;
use futures::future::{self, BoxFuture, Either};

use super::mutation::Mutation;

/// Whether the runtime has ended, and who waits for it.
#[derive(Default)]
struct Ended(Mutex<(bool, Vec<futures::channel::oneshot::Sender<()>>)>);

impl Ended {
    fn wait(&self) -> futures::channel::oneshot::Receiver<()> {
        let (end, ended) = futures::channel::oneshot::channel();
        let mut waiting = self.0.lock().expect("nothing panics");
        if !waiting.0 {
            waiting.1.push(end);
        }
        ended
    }
}

pub(super) struct Ends(Arc<Ended>);

impl Drop for Ends {
    fn drop(&mut self) {
        let mut waiting = self.0.0.lock().expect("nothing panics");
        *waiting = (true, Vec::new());
    }
}

/// A runtime of threads with one fault, which drops its tasks when it ends.
pub(super) struct Broken {
    mutation: Mutation,
    ended: Arc<Ended>,
    panicked: Arc<AtomicBool>,
    dropped: Arc<AtomicBool>,
    counted: AtomicU64,
    stands: Timestamp,
}

impl Broken {
    pub(super) fn new(mutation: Mutation) -> (Ends, Self) {
        let ended: Arc<Ended> = Arc::default();
        let broken = Self {
            mutation,
            ended: Arc::clone(&ended),
            panicked: Arc::default(),
            dropped: Arc::default(),
            counted: AtomicU64::new(0),
            stands: ThreadRuntime.now(),
        };
        (Ends(ended), broken)
    }
}

impl Runtime for Broken {
    #[expect(clippy::disallowed_methods, reason = "a runtime is where sleeping is done")]
    fn spawn(&self, mut task: BoxFuture<'static, ()>) {
        let panicked = Arc::clone(&self.panicked);
        match self.mutation {
            Mutation::TasksOutliveTheRuntime => return ThreadRuntime.spawn(task),
            Mutation::PanicsEndTheRuntime if panicked.load(Ordering::SeqCst) => return,
            Mutation::SpawnPolls => {
                let polled = asynx_core::catch(|| (&mut task).now_or_never());
                if !matches!(polled, Ok(None)) {
                    return;
                }
            }
            _ => {}
        }
        let (mutation, ended) = (self.mutation, self.ended.wait());
        ThreadRuntime.spawn(Box::pin(async move {
            if mutation == Mutation::TasksAreNotPolledAgain {
                let _ = task.now_or_never();
                return;
            }
            let caught = asynx_core::catch_future(task).boxed();
            if let Either::Left((Err(_), _)) = future::select(caught, ended).await {
                panicked.store(true, Ordering::SeqCst);
            }
        }));
        if self.mutation == Mutation::PanicsEndTheRuntime {
            // Time for the panic, which is to be noticed by whatever is spawned next.
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        match self.mutation {
            Mutation::SleepsEndEarly => ThreadRuntime.sleep(duration / 2),
            Mutation::LongSleepsDoNotEnd if duration > Duration::from_millis(10) => future::pending().boxed(),
            Mutation::DroppedSleepsStopOthers => {
                let (dropped, mut watch) = (Arc::clone(&self.dropped), Watch(Arc::clone(&self.dropped), false));
                async move {
                    ThreadRuntime.sleep(duration).await;
                    watch.slept();
                    if dropped.load(Ordering::SeqCst) {
                        future::pending::<()>().await;
                    }
                }
                .boxed()
            }
            _ => ThreadRuntime.sleep(duration),
        }
    }

    fn now(&self) -> Timestamp {
        let now = ThreadRuntime.now();
        match self.mutation {
            Mutation::TheClockIsAhead => Timestamp::from_micros(now.as_micros() + 1_000_000),
            Mutation::TheClockStandsStill => self.stands,
            _ => now,
        }
    }

    fn entropy(&self) -> u64 {
        match self.mutation {
            Mutation::EntropyCounts => self.counted.fetch_add(1, Ordering::Relaxed),
            Mutation::EntropyIsShort => {
                let short = ThreadRuntime.entropy() & 0xff_ffff;
                short << 40 | short << 16 | short >> 8
            }
            Mutation::EntropyPanics => panic!("as the mutation wants"),
            _ => ThreadRuntime.entropy(),
        }
    }
}

/// Notes when it is dropped early.
struct Watch(Arc<AtomicBool>, bool);

impl Watch {
    fn slept(&mut self) {
        self.1 = true;
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        if !self.1 {
            self.0.store(true, Ordering::SeqCst);
        }
    }
}
