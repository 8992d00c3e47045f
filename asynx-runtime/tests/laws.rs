//! The laws R1 to R5 of [`asynx_core::Runtime`], for every runtime of this crate.

#![expect(clippy::unwrap_used, reason = "a test says by it what it expects")]

use std::collections::HashSet;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver};
use std::time::{Duration, Instant, SystemTime};

use asynx_core::{Runtime, Timestamp};
use asynx_runtime::{SmolRuntime, TokioRuntime};
use futures::FutureExt;
use futures::channel::oneshot;
use futures::executor::block_on;
use futures::future::{self, Either};

/// How long a test waits for what must happen.
const BOUND: Duration = Duration::from_secs(30);

/// A runtime, and what stops it.
struct Fixture {
    runtime: Arc<dyn Runtime>,
    _stop: Stop,
}

/// Runs what it holds when it is dropped.
struct Stop(Option<Box<dyn FnOnce()>>);

impl Drop for Stop {
    fn drop(&mut self) {
        if let Some(stop) = self.0.take() {
            stop();
        }
    }
}

fn tokio_multi_thread() -> Fixture {
    let tokio = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_time()
        .build()
        .unwrap();
    Fixture {
        runtime: Arc::new(TokioRuntime::new(tokio.handle().clone())),
        _stop: Stop(Some(Box::new(move || tokio.shutdown_background()))),
    }
}

fn tokio_current_thread() -> Fixture {
    let tokio = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .unwrap();
    let runtime = TokioRuntime::new(tokio.handle().clone());
    let (stop, stopped) = oneshot::channel::<()>();
    let thread = std::thread::spawn(move || {
        let _ = tokio.block_on(stopped);
    });
    Fixture {
        runtime: Arc::new(runtime),
        _stop: Stop(Some(Box::new(move || {
            drop(stop);
            thread.join().unwrap();
        }))),
    }
}

fn smol_global() -> Fixture {
    Fixture {
        runtime: Arc::new(SmolRuntime::new()),
        _stop: Stop(None),
    }
}

fn smol_own() -> Fixture {
    let executor = Arc::new(smol::Executor::new());
    let (stop, stopped) = oneshot::channel::<()>();
    let thread = std::thread::spawn({
        let executor = Arc::clone(&executor);
        move || {
            let _ = smol::block_on(executor.run(stopped));
        }
    });
    Fixture {
        runtime: Arc::new(SmolRuntime::with_executor(executor)),
        _stop: Stop(Some(Box::new(move || {
            drop(stop);
            thread.join().unwrap();
        }))),
    }
}

macro_rules! laws {
    ($($runtime:ident),*) => {
        $(mod $runtime {
            #[test]
            fn r1_a_task_runs_to_its_end_by_itself() {
                super::r1_a_task_runs_to_its_end_by_itself(&super::$runtime());
            }

            #[test]
            fn r1_a_task_does_not_run_inside_spawn() {
                super::r1_a_task_does_not_run_inside_spawn(&super::$runtime());
            }

            #[test]
            fn r2_a_panic_stops_no_other_task() {
                super::r2_a_panic_stops_no_other_task(&super::$runtime());
            }

            #[test]
            fn r3_a_sleep_ends_after_its_duration() {
                super::r3_a_sleep_ends_after_its_duration(&super::$runtime());
            }

            #[test]
            fn r3_a_sleep_may_be_dropped_early() {
                super::r3_a_sleep_may_be_dropped_early(&super::$runtime());
            }

            #[test]
            fn r4_now_is_the_machines_clock() {
                super::r4_now_is_the_machines_clock(&super::$runtime());
            }

            #[test]
            fn r5_entropy_does_not_repeat() {
                super::r5_entropy_does_not_repeat(&super::$runtime());
            }
        })*
    };
}

laws!(tokio_multi_thread, tokio_current_thread, smol_global, smol_own);

fn received<T>(receiver: &Receiver<T>) -> T {
    receiver.recv_timeout(BOUND).expect("it happens in time")
}

fn r1_a_task_runs_to_its_end_by_itself(fixture: &Fixture) {
    let (ended, end) = mpsc::channel();
    let (first, at_first) = oneshot::channel::<()>();
    let runtime = Arc::clone(&fixture.runtime);
    fixture.runtime.spawn(Box::pin(async move {
        at_first.await.unwrap();
        runtime.sleep(Duration::from_millis(1)).await;
        ended.send(()).unwrap();
    }));
    first.send(()).unwrap();
    received(&end);
}

fn r1_a_task_does_not_run_inside_spawn(fixture: &Fixture) {
    for _ in 0..100 {
        let (here, ended) = (std::thread::current().id(), mpsc::channel());
        let runtime = Arc::clone(&fixture.runtime);
        // Spawned by a task as well: that is where a runtime might think of running it at once.
        fixture.runtime.spawn(Box::pin(async move {
            let outer = Arc::new(std::sync::Mutex::new(()));
            let held = outer.lock().unwrap();
            let inner = Arc::clone(&outer);
            let thread = std::thread::current().id();
            let (spawned, result) = oneshot::channel();
            runtime.spawn(Box::pin(async move {
                // Inside of `spawn`, on the same thread, the lock is held.
                let inside = std::thread::current().id() == thread && inner.try_lock().is_err();
                let _ = spawned.send(inside);
            }));
            drop(held);
            ended
                .0
                .send((result.await.unwrap(), std::thread::current().id()))
                .unwrap();
        }));
        let (inside, thread) = received(&ended.1);
        assert!(!inside, "the task ran inside of spawn");
        assert_ne!(thread, here, "the task ran on the spawning thread, which does not poll");
    }
}

fn r2_a_panic_stops_no_other_task(fixture: &Fixture) {
    let (ended, end) = mpsc::channel();
    let (go, gone) = oneshot::channel::<()>();
    let other = ended.clone();
    fixture.runtime.spawn(Box::pin(async move {
        gone.await.unwrap();
        other.send("the one beside").unwrap();
    }));
    for _ in 0..8 {
        fixture
            .runtime
            .spawn(Box::pin(async { panic!("a panic that the test wants") }));
        fixture.runtime.spawn(Box::pin(async {
            std::panic::panic_any(PanicsAgain);
        }));
    }
    fixture
        .runtime
        .spawn(Box::pin(async move { ended.send("the next").unwrap() }));
    assert_eq!(received(&end), "the next");
    go.send(()).unwrap();
    assert_eq!(received(&end), "the one beside");
}

/// A panic's payload that panics once more.
struct PanicsAgain;

impl Drop for PanicsAgain {
    fn drop(&mut self) {
        panic!("a payload's panic that the test wants");
    }
}

#[expect(clippy::disallowed_methods, reason = "the test holds the runtime against the clock")]
fn r3_a_sleep_ends_after_its_duration(fixture: &Fixture) {
    for millis in [0, 1, 20, 50] {
        let duration = Duration::from_millis(millis);
        let (ended, end) = mpsc::channel();
        let begun = Instant::now();
        // Made here, outside of the runtime, and awaited there.
        let sleep = fixture.runtime.sleep(duration);
        fixture
            .runtime
            .spawn(sleep.map(move |()| ended.send(Instant::now()).unwrap()).boxed());
        assert!(
            received(&end) - begun >= duration,
            "a sleep of {duration:?} was too short"
        );
    }
}

fn r3_a_sleep_may_be_dropped_early(fixture: &Fixture) {
    let (ended, end) = mpsc::channel();
    let runtime = Arc::clone(&fixture.runtime);
    fixture.runtime.spawn(Box::pin(async move {
        drop(runtime.sleep(BOUND));
        // One that was polled.
        let long = runtime.sleep(Duration::MAX);
        let Either::Right(((), long)) = future::select(long, runtime.sleep(Duration::from_millis(5))).await else {
            panic!("the longer sleep ended first");
        };
        drop(long);
        runtime.sleep(Duration::from_millis(1)).await;
        ended.send(()).unwrap();
    }));
    received(&end);
}

#[expect(clippy::disallowed_methods, reason = "the test holds the runtime against the clock")]
fn r4_now_is_the_machines_clock(fixture: &Fixture) {
    let before = Timestamp::from(SystemTime::now());
    let now = fixture.runtime.now();
    let after = Timestamp::from(SystemTime::now());
    assert!(
        before <= now && now <= after,
        "{now} is not within {before} and {after}"
    );
}

fn r5_entropy_does_not_repeat(fixture: &Fixture) {
    const EACH: usize = 10_000;
    let threads: Vec<_> = (0..4)
        .map(|_| {
            let runtime = Arc::clone(&fixture.runtime);
            std::thread::spawn(move || (0..EACH).map(|_| runtime.entropy()).collect::<Vec<_>>())
        })
        .collect();
    let numbers: Vec<u64> = threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
    assert_eq!(numbers.iter().collect::<HashSet<_>>().len(), 4 * EACH);
    for bit in 0..64 {
        let ones = numbers.iter().filter(|number| **number >> bit & 1 == 1).count();
        // Ten standard deviations around the half.
        assert!(
            ones.abs_diff(2 * EACH) < 1000,
            "bit {bit} is 1 in {ones} of {} numbers",
            4 * EACH
        );
    }
}

#[test]
fn r1_a_task_is_dropped_when_tokio_ends() {
    let fixture = tokio_multi_thread();
    let (held, dropped) = oneshot::channel::<()>();
    fixture.runtime.spawn(Box::pin(async move {
        future::pending::<()>().await;
        drop(held);
    }));
    drop(fixture);
    // Bounded by the runtime's end: the sender's drop ends it.
    assert!(block_on(dropped).is_err());
}

#[test]
fn tokio_outside_of_a_runtime_is_an_error() {
    let error = TokioRuntime::current().unwrap_err();
    assert!(error.to_string().starts_with("no tokio runtime runs here"), "{error}");
    assert!(std::error::Error::source(&error).is_some());
    let fixture = tokio_multi_thread();
    let (found, current) = mpsc::channel();
    fixture.runtime.spawn(Box::pin(
        async move { found.send(TokioRuntime::current().is_ok()).unwrap() },
    ));
    assert!(received(&current));
}
