use std::sync::{Arc, Mutex};

use super::{RuntimeFixture, Trial};
use crate::conformance::{Law, LawBroken};

/// One check of one law.
#[derive(Debug, Clone, Copy)]
pub struct Check {
    /// Its name: the law's number and what is checked, such as `r2_a_panic_stops_no_other_task`.
    pub name: &'static str,
    /// The law.
    pub law: Law,
    run: fn(&mut Trial) -> Result<(), LawBroken>,
}

impl Check {
    /// Opens a runtime and checks it, on the calling thread.
    ///
    /// # Errors
    /// [`LawBroken`] when the runtime does not keep the law, or not in time.
    pub fn run<F: RuntimeFixture>(&self, fixture: &F) -> Result<(), LawBroken> {
        let (guard, runtime) = fixture.open();
        let guard = Arc::new(Mutex::new(Some(guard)));
        let ending = Arc::clone(&guard);
        let end = move || drop(ending.lock().map(|mut guard| guard.take()));
        let mut trial = Trial {
            law: self.law,
            check: self.name,
            fixture: fixture.name(),
            runtime: Arc::new(runtime),
            patience: fixture.patience(),
            end: fixture.ends().then(|| Box::new(end) as Box<dyn FnOnce()>),
        };
        let kept = (self.run)(&mut trial);
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
    let check = CHECKS.iter().find(|known| known.name == check);
    let check = check.expect("the macro and the checks are made from one list");
    if let Err(broken) = check.run(fixture) {
        panic!("{broken}");
    }
}

#[doc(hidden)]
#[macro_export]
macro_rules! __runtime_table {
    (() $($law:ident $module:ident::$name:ident;)*) => {
        /// Every check, in the order of the laws.
        pub const CHECKS: &[Check] = &[$(Check {
            name: stringify!($name),
            law: $crate::conformance::runtime::law::$law,
            run: $crate::conformance::runtime::$module::$name,
        }),*];
    };
}

/// The one list of checks.
#[doc(hidden)]
#[macro_export]
macro_rules! __runtime_checks {
    ($then:ident $args:tt) => {
        $crate::$then! { $args
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
        $crate::__runtime_checks! { __runtime_tests ($fixture) }
    };
}

#[doc(hidden)]
#[macro_export]
macro_rules! __runtime_tests {
    (($fixture:expr) $($law:ident $module:ident::$name:ident;)*) => {
        $(#[test]
        fn $name() {
            $crate::conformance::runtime::assert_kept(&$fixture, stringify!($name));
        })*
    };
}

crate::__runtime_checks! { __runtime_table () }
