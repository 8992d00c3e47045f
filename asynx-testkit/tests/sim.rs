//! The simulator: deterministic, honest about time, and able to kill.

use std::future::{pending, poll_fn};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::Duration;

use asynx_core::Runtime;
use asynx_testkit::sim::{Schedule, Sim, SimProcess, Stuck};
use futures::channel::oneshot;

/// Gives way once.
async fn give_way() {
    let mut polled = false;
    poll_fn(|cx| {
        if polled {
            return Poll::Ready(());
        }
        polled = true;
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// The order in which eight tasks with a few turns each went, and the trace of it.
fn race(seed: u64, schedule: Schedule) -> (Vec<u64>, u64) {
    let sim = Sim::with_schedule(seed, schedule);
    let process = sim.process("racers");
    let order = Arc::new(Mutex::new(Vec::new()));
    for racer in 0..8 {
        let (order, runtime) = (Arc::clone(&order), process.clone());
        process.spawn(Box::pin(async move {
            for turn in 0..4 {
                order.lock().expect("no poison").push(racer);
                match turn % 2 {
                    0 => give_way().await,
                    _ => runtime.sleep(Duration::from_micros(runtime.entropy() % 50)).await,
                }
            }
        }));
    }
    sim.run_until_idle().expect("it ends");
    assert_eq!(process.tasks(), 0);
    let order = order.lock().expect("no poison").clone();
    (order, sim.trace())
}

#[test]
fn a_seed_gives_the_same_run_again() {
    for schedule in [Schedule::Uniform, Schedule::Urgency] {
        let (order, trace) = race(1, schedule);
        assert_eq!((order.clone(), trace), race(1, schedule));
        let (other_order, other_trace) = race(2, schedule);
        assert_ne!(trace, other_trace);
        assert_ne!(order, other_order);
    }
}

#[test]
fn a_task_does_not_run_inside_spawn() {
    let sim = Sim::seeded(1);
    let process = sim.process("one");
    let ran = Arc::new(AtomicU64::new(0));
    let counter = Arc::clone(&ran);
    process.spawn(Box::pin(async move {
        counter.fetch_add(1, Ordering::SeqCst);
    }));
    assert_eq!(ran.load(Ordering::SeqCst), 0);
    sim.run_until_idle().unwrap();
    assert_eq!(ran.load(Ordering::SeqCst), 1);
}

#[test]
fn sleeps_end_in_order_and_never_early() {
    let sim = Sim::seeded(3);
    let process = sim.process("sleeper");
    let ended = Arc::new(Mutex::new(Vec::new()));
    for seconds in [30, 10, 20_u64] {
        let (ended, runtime) = (Arc::clone(&ended), process.clone());
        process.spawn(Box::pin(async move {
            let began = runtime.now();
            runtime.sleep(Duration::from_secs(seconds)).await;
            let slept = runtime.now().as_micros() - began.as_micros();
            assert!(slept >= seconds as i64 * 1_000_000, "slept {slept} µs of {seconds} s");
            ended.lock().unwrap().push(seconds);
        }));
    }
    sim.run_until_idle().unwrap();
    assert_eq!(*ended.lock().unwrap(), [10, 20, 30]);
    assert_eq!(process.panics(), 0);
}

#[test]
fn a_dropped_sleep_holds_nothing_up() {
    let sim = Sim::seeded(3);
    let process = sim.process("sleeper");
    let began = process.now();
    let mut century = process.sleep(Duration::from_secs(3_000_000_000));
    sim.block_on(async {
        futures::future::select(&mut century, process.sleep(Duration::from_millis(1))).await;
    })
    .unwrap();
    drop(century);
    sim.run_until_idle().unwrap();
    assert!(process.now().as_micros() - began.as_micros() < 1_000_000);
}

#[test]
fn a_panic_stops_its_task_alone() {
    let sim = Sim::seeded(4);
    let process = sim.process("one");
    let (done, ended) = oneshot::channel();
    process.spawn(Box::pin(async { panic!("on purpose") }));
    process.spawn(Box::pin(async move {
        give_way().await;
        done.send(()).unwrap();
    }));
    sim.block_on(ended).unwrap().unwrap();
    sim.run_until_idle().unwrap();
    assert_eq!((process.panics(), process.tasks()), (1, 0));
}

/// Counts when it is dropped.
struct Counted(Arc<AtomicU64>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

fn hang(process: &SimProcess, dropped: &Arc<AtomicU64>) {
    let counted = Counted(Arc::clone(dropped));
    process.spawn(Box::pin(async move {
        let _counted = counted;
        pending::<()>().await;
    }));
}

#[test]
fn killing_drops_the_tasks_of_one_process_and_takes_no_more() {
    let sim = Sim::seeded(5);
    let (victim, other) = (sim.process("victim"), sim.process("other"));
    let (dropped, spared) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    (0..3).for_each(|_| hang(&victim, &dropped));
    hang(&other, &spared);
    let killing = victim.clone();
    victim.spawn(Box::pin(async move {
        killing.kill();
        give_way().await;
        panic!("nobody polls the dead");
    }));
    sim.run_until_idle().unwrap();
    assert!(victim.is_killed());
    assert_eq!(
        (dropped.load(Ordering::SeqCst), victim.tasks(), victim.panics()),
        (3, 0, 0)
    );
    hang(&victim, &dropped);
    assert_eq!((dropped.load(Ordering::SeqCst), victim.tasks()), (4, 0));
    assert_eq!((spared.load(Ordering::SeqCst), other.tasks()), (0, 1));
    drop(sim);
    assert_eq!(spared.load(Ordering::SeqCst), 1, "the machine drops what is left");
}

#[test]
fn a_deadlock_is_told_with_who_hangs() {
    let sim = Sim::seeded(6);
    let process = sim.process("lonely");
    hang(&process, &Arc::default());
    match sim.block_on(pending::<()>()) {
        Err(Stuck::Deadlock { hanging }) => {
            let hanging: Vec<_> = hanging.iter().map(|one| (one.process.as_str(), one.task)).collect();
            assert_eq!(hanging, [("main", 0), ("lonely", 1)]);
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_run_without_end_is_ended() {
    let sim = Sim::seeded(7).max_steps(1_000);
    let spinning = sim.block_on(async {
        loop {
            give_way().await;
        }
    });
    assert!(matches!(spinning, Err::<(), _>(Stuck::Endless { steps: 1_000, .. })));
}

#[test]
fn a_paused_process_stands_still_while_time_goes_on() {
    let sim = Sim::seeded(3);
    let (paused, other) = (sim.process("paused"), sim.process("other"));
    let turns = Arc::new([AtomicU64::new(0), AtomicU64::new(0)]);
    for (at, process) in [&paused, &other].into_iter().enumerate() {
        let (turns, runtime) = (Arc::clone(&turns), process.clone());
        process.spawn(Box::pin(async move {
            loop {
                runtime.sleep(Duration::from_millis(1)).await;
                turns[at].fetch_add(1, Ordering::Relaxed);
            }
        }));
    }
    let turns_of = |at: usize| turns[at].load(Ordering::Relaxed);
    let wait = |millis| sim.block_on(sim.main().clone().sleep(Duration::from_millis(millis)));
    wait(20).expect("it ends");
    assert!(turns_of(0) > 5 && turns_of(1) > 5);
    paused.pause();
    let before = turns_of(0);
    // What is spawned meanwhile waits, too.
    let spawned = Arc::new(AtomicU64::new(0));
    let mark = Arc::clone(&spawned);
    paused.spawn(Box::pin(async move { mark.store(1, Ordering::Relaxed) }));
    let at = turns_of(1);
    wait(1_000).expect("it ends");
    assert_eq!((turns_of(0), spawned.load(Ordering::Relaxed)), (before, 0));
    assert!(turns_of(1) > at + 500);
    paused.resume();
    wait(20).expect("it ends");
    assert!(turns_of(0) > before && spawned.load(Ordering::Relaxed) == 1);
    paused.kill();
}
