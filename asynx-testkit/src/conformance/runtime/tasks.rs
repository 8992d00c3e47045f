//! Tasks (R1, R2).

use std::sync::mpsc;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::channel::oneshot;

use super::Trial;
use crate::conformance::check::Kept;

/// A task runs to its end by itself, through waits for others and for time.
pub async fn r1_a_task_runs_to_its_end(trial: &mut Trial) -> Kept {
    let (ended, end) = mpsc::channel();
    let (first, at_first) = oneshot::channel::<()>();
    let runtime = Arc::clone(&trial.runtime);
    trial.spawn(async move {
        let _ = at_first.await;
        runtime.sleep(Duration::from_millis(1)).await;
        let _ = ended.send(());
    });
    drop(first);
    trial.received("a task's end", &end)
}

/// Many tasks that wait for each other all end.
pub async fn r1_many_tasks_end(trial: &mut Trial) -> Kept {
    let (ended, end) = mpsc::channel();
    let (mut before, first) = {
        let (go, gone) = oneshot::channel::<()>();
        (gone, go)
    };
    for _ in 0..100 {
        let (go, gone) = oneshot::channel::<()>();
        let awaited = std::mem::replace(&mut before, gone);
        trial.spawn(async move {
            let _ = awaited.await;
            drop(go);
        });
    }
    trial.spawn(async move {
        let _ = before.await;
        let _ = ended.send(());
    });
    drop(first);
    trial.received(
        "the end of the last of 100 tasks, each of which waits for another",
        &end,
    )
}

/// `spawn` returns before the task runs on the same thread, from outside of the runtime and from inside of a task.
pub async fn r1_a_task_does_not_run_inside_spawn(trial: &mut Trial) -> Kept {
    for _ in 0..50 {
        let (told, tell) = mpsc::channel();
        spawn_watched(&trial.runtime, told.clone());
        let runtime = Arc::clone(&trial.runtime);
        trial.spawn(async move { spawn_watched(&runtime, told) });
        for place in ["outside of the runtime", "inside of a task or outside of the runtime"] {
            let inside = trial.received("a task's start", &tell)?;
            trial.ensure(!inside, format!("a task ran inside of the call to spawn, from {place}"))?;
        }
    }
    Ok(())
}

/// Spawns a task that tells whether it runs inside of `spawn`: then a lock is held by its own thread.
fn spawn_watched(runtime: &Arc<dyn asynx_core::Runtime>, tell: mpsc::Sender<bool>) {
    let lock = Arc::new(Mutex::new(()));
    let (inner, thread) = (Arc::clone(&lock), std::thread::current().id());
    let held = lock.lock();
    runtime.spawn(Box::pin(async move {
        let inside = std::thread::current().id() == thread && inner.try_lock().is_err();
        let _ = tell.send(inside);
    }));
    drop(held);
}

/// A task that cannot end is dropped when the runtime ends, where the fixture says that it has an end.
pub async fn r1_tasks_are_dropped_with_the_runtime(trial: &mut Trial) -> Kept {
    let Some(end) = trial.end.take() else {
        // Nothing ends: a task is still there after a while.
        let (held, dropped) = mpsc::channel::<()>();
        trial.spawn(async move {
            std::future::pending::<()>().await;
            drop(held);
        });
        let outcome = dropped.recv_timeout(Duration::from_millis(50));
        let there = outcome == Err(mpsc::RecvTimeoutError::Timeout);
        return trial.ensure(there, "a task was dropped although the runtime has no end");
    };
    let (held, dropped) = mpsc::channel::<()>();
    let (begun, begin) = mpsc::channel();
    trial.spawn(async move {
        let _ = begun.send(());
        std::future::pending::<()>().await;
        drop(held);
    });
    trial.received("a task's start", &begin)?;
    end();
    match dropped.recv_timeout(trial.patience) {
        Err(mpsc::RecvTimeoutError::Disconnected) => Ok(()),
        _ => Err(trial.broken("a task outlived the runtime")),
    }
}

/// A task that panics, even twice, stops neither those beside it nor those after it.
pub async fn r2_a_panic_stops_no_other_task(trial: &mut Trial) -> Kept {
    let (ended, end) = mpsc::channel();
    let (go, gone) = oneshot::channel::<()>();
    let beside = ended.clone();
    trial.spawn(async move {
        let _ = gone.await;
        let _ = beside.send(());
    });
    for _ in 0..8 {
        trial.spawn(async { panic!("a panic that the check wants") });
        trial.spawn(async { std::panic::panic_any(PanicsAgain) });
    }
    trial.spawn(async move {
        let _ = ended.send(());
    });
    trial.received("the end of a task after some that panicked", &end)?;
    drop(go);
    trial.received("the end of a task beside some that panicked", &end)
}

/// A panic's payload that panics once more.
struct PanicsAgain;

impl Drop for PanicsAgain {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            panic!("a payload's panic that the check wants");
        }
    }
}
