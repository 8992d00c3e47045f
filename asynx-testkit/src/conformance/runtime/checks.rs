use std::sync::{Arc, Mutex};

use super::{RuntimeFixture, Trial};
use crate::ThreadRuntime;
use crate::conformance::Check;
use crate::conformance::audit::Audit;
use crate::conformance::check::{Kept, assert, named, table};

impl Check<Trial> {
    /// Opens a runtime and checks it, on the calling thread.
    ///
    /// # Errors
    /// [`LawBroken`](crate::conformance::LawBroken) when the runtime does not keep the law, or not in time.
    pub fn run<F: RuntimeFixture>(&self, fixture: &F) -> Kept {
        self.try_on(fixture, None)
    }

    /// Checks with somebody who looks on.
    #[doc(hidden)]
    pub fn run_audited<F: RuntimeFixture>(&self, fixture: &F, audit: Arc<Audit>) -> Kept {
        self.try_on(fixture, Some(audit))
    }

    fn try_on<F: RuntimeFixture>(&self, fixture: &F, audit: Option<Arc<Audit>>) -> Kept {
        let (guard, runtime) = fixture.open();
        let guard = Arc::new(Mutex::new(Some(guard)));
        let ending = Arc::clone(&guard);
        let end = move || drop(ending.lock().map(|mut guard| guard.take()));
        let mut trial = Trial {
            witness: self.witness(fixture.name(), audit),
            runtime: Arc::new(runtime),
            patience: fixture.patience(),
            end: fixture.ends().then(|| Box::new(end) as Box<dyn FnOnce() + Send>),
        };
        let kept = ThreadRuntime.block_on((self.try_it)(&mut trial));
        drop(trial);
        drop(guard);
        kept
    }
}

/// Runs one check by its name, for [`runtime_conformance!`](crate::runtime_conformance).
///
/// # Panics
/// When the runtime does not keep the law.
pub fn assert_kept<F: RuntimeFixture>(fixture: &F, check: &str) {
    assert(named(CHECKS, check).run(fixture));
}

/// The one list of checks.
#[doc(hidden)]
#[macro_export]
macro_rules! __runtime_checks {
    ([$($then:tt)+] $args:tt) => {
        $($then)+! { $args
            R1 tasks::r1_a_task_runs_to_its_end;
            R1 tasks::r1_many_tasks_end;
            R1 tasks::r1_a_task_does_not_run_inside_spawn;
            R1 tasks::r1_tasks_are_dropped_with_the_runtime;
            R2 tasks::r2_a_panic_stops_no_other_task;
            R3 time::r3_a_sleep_ends_after_its_duration;
            R3 time::r3_a_sleep_may_be_dropped_early;
            R3 time::r3_many_sleeps_end;
            R4 time::r4_now_is_the_machines_clock;
            R5 entropy::r5_entropy_does_not_repeat;
            R5 entropy::r5_every_bit_is_random;
        }
    };
}

/// Makes one test of each law, named after it, for the runtime of a
/// [`RuntimeFixture`](crate::conformance::runtime::RuntimeFixture).
///
/// The argument is an expression that makes the fixture; each test makes its own. See
/// [`conformance::runtime`](crate::conformance::runtime) for an example.
#[macro_export]
macro_rules! runtime_conformance {
    ($fixture:expr) => {
        $crate::__runtime_checks! { [$crate::__tests] ($crate::conformance::runtime::assert_kept, $fixture) }
    };
}

crate::__runtime_checks! { [table] () }
