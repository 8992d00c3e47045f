//! The proof of the laws of runtimes: for each a runtime that is broken in one way, which that law must find, and one
//! that is whole, which no law may find broken.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use asynx_core::{Runtime, Timestamp};
use asynx_testkit::ThreadRuntime;
use asynx_testkit::conformance::LawBroken;
use asynx_testkit::conformance::runtime::{CHECKS, LAWS, RuntimeFixture};
use futures::FutureExt;
use futures::future::{self, BoxFuture, Either};

macro_rules! mutations {
    ($($(#[$doc:meta])* $name:ident: $test:ident breaks $law:ident $(and $other:ident)*;)*) => {
        /// One thing that is wrong with a runtime.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        enum Mutation {
            /// Nothing is wrong.
            None,
            $($(#[$doc])* $name,)*
        }

        const MUTATIONS: &[(Mutation, &str)] = &[$((Mutation::$name, stringify!($law))),*];

        $(#[test]
        fn $test() {
            is_broken(Mutation::$name, stringify!($law), &[$(stringify!($other)),*]);
        })*
    };
}

// The law after "breaks" must be found broken; those after "and" may be, since the same fault shows there too.
mutations! {
    /// A task is polled once.
    TasksAreNotPolledAgain: tasks_are_not_polled_again breaks R1 and R2 and R3;
    /// A task is polled by `spawn` first.
    SpawnPolls: spawn_polls breaks R1 and R2;
    /// Tasks outlive the runtime.
    TasksOutliveTheRuntime: tasks_outlive_the_runtime breaks R1;
    /// A panic ends the runtime.
    PanicsEndTheRuntime: panics_end_the_runtime breaks R2;
    /// Sleeps end a little early.
    SleepsEndEarly: sleeps_end_early breaks R3;
    /// Sleeps beyond ten milliseconds do not end.
    LongSleepsDoNotEnd: long_sleeps_do_not_end breaks R3;
    /// A dropped sleep takes all others along.
    DroppedSleepsStopOthers: dropped_sleeps_stop_others breaks R3;
    /// The clock is a second ahead.
    TheClockIsAhead: the_clock_is_ahead breaks R4;
    /// The clock stands still.
    TheClockStandsStill: the_clock_stands_still breaks R4;
    /// Entropy is 32 bits, and a count.
    EntropyCounts: entropy_counts breaks R5;
    /// Entropy is 24 bits.
    EntropyIsShort: entropy_is_short breaks R5;
}

struct Twin(Mutation);

impl RuntimeFixture for Twin {
    type Guard = Ends;
    type Runtime = Broken;

    fn open(&self) -> (Ends, Broken) {
        let ended: Arc<Ended> = Arc::default();
        let broken = Broken {
            mutation: self.0,
            ended: Arc::clone(&ended),
            panicked: Arc::default(),
            dropped: Arc::default(),
            counted: AtomicU64::new(0),
            stands: ThreadRuntime.now(),
        };
        (Ends(ended), broken)
    }

    fn ends(&self) -> bool {
        true
    }

    fn name(&self) -> String {
        format!("twin of {:?}", self.0)
    }

    fn patience(&self) -> Duration {
        Duration::from_millis(500)
    }
}

fn broken_laws(mutation: Mutation) -> Vec<LawBroken> {
    let twin = Twin(mutation);
    CHECKS.iter().filter_map(|check| check.run(&twin).err()).collect()
}

/// The law finds the runtime broken and says all that is needed; no law does that has nothing to do with it.
fn is_broken(mutation: Mutation, law: &str, others: &[&str]) {
    let found = broken_laws(mutation);
    let told: Vec<String> = found.iter().map(ToString::to_string).collect();
    let mine = found.iter().find(|broken| broken.law.number == law);
    let mine = mine.unwrap_or_else(|| panic!("{law} does not find {mutation:?}; found: {told:#?}"));
    let message = mine.to_string();
    for part in [law, mine.law.statement, &format!("twin of {mutation:?}"), &mine.seen] {
        assert!(message.contains(part), "{message:?} does not name {part:?}");
    }
    let innocent = |broken: &&LawBroken| broken.law.number != law && !others.contains(&broken.law.number);
    let wrong: Vec<String> = found.iter().filter(innocent).map(ToString::to_string).collect();
    assert!(
        wrong.is_empty(),
        "{mutation:?} is found by laws that it does not break: {wrong:#?}"
    );
}

#[test]
fn a_whole_runtime_breaks_no_law() {
    let found = broken_laws(Mutation::None);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_law_of_the_trait_docs_has_a_check_and_a_twin() {
    let docs = include_str!("../../asynx-core/src/runtime.rs");
    let written = docs
        .lines()
        .filter_map(|line| line.strip_prefix("/// - **")?.split_once("**"));
    let written: BTreeSet<&str> = written.map(|(number, _)| number).collect();
    let laws: BTreeSet<&str> = LAWS.iter().map(|law| law.number).collect();
    assert_eq!(laws, written);
    assert_eq!(laws, CHECKS.iter().map(|check| check.law.number).collect());
    assert_eq!(laws, MUTATIONS.iter().map(|(_, law)| *law).collect());
    for check in CHECKS {
        let number = check.law.number.to_lowercase();
        assert!(check.name.starts_with(&format!("{number}_")), "{}", check.name);
    }
}

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

struct Ends(Arc<Ended>);

impl Drop for Ends {
    fn drop(&mut self) {
        let mut waiting = self.0.0.lock().expect("nothing panics");
        *waiting = (true, Vec::new());
    }
}

/// A runtime of threads with one fault, which drops its tasks when it ends.
struct Broken {
    mutation: Mutation,
    ended: Arc<Ended>,
    panicked: Arc<AtomicBool>,
    dropped: Arc<AtomicBool>,
    counted: AtomicU64,
    stands: Timestamp,
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
            Mutation::SleepsEndEarly => ThreadRuntime.sleep(duration.mul_f64(0.9)),
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
