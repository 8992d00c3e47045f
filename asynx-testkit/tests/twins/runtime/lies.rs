//! Each assertion about runtimes is needed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use asynx_core::{Runtime, Timestamp};
use asynx_testkit::conformance::runtime::{CHECKS, RuntimeFixture};
use asynx_testkit::conformance::{Audit, Site};
use futures::FutureExt;
use futures::future::{self, BoxFuture};

use super::broken::{Broken, Ends};
use super::mutation::{MUTATIONS, Mutation};
use crate::lies::{Ended, Script, Seen, Suite, every_assertion_is_needed};
use crate::proof;

/// A runtime that tells one lie, or one that is broken in one way all the time.
struct Liar {
    sound: Broken,
    script: Script,
}

impl Liar {
    fn lie(&self, kind: &'static str, lies: &[&str]) -> Option<String> {
        let made = self.script.made(kind);
        self.script.could(&made, lies.iter().map(|how| (*how).to_owned()));
        if made.lie.is_some() {
            self.script.tells();
        }
        made.lie
    }
}

impl Runtime for Liar {
    fn spawn(&self, mut task: BoxFuture<'static, ()>) {
        match self
            .lie("spawn", &["is not run", "is dropped", "is polled by the caller"])
            .as_deref()
        {
            Some("is not run") => self.sound.spawn(future::pending().map(|()| drop(task)).boxed()),
            Some("is dropped") => drop(task),
            Some(_) => {
                if (&mut task).now_or_never().is_none() {
                    self.sound.spawn(task);
                }
            }
            None => self.sound.spawn(task),
        }
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        match self.lie("sleep", &["never ends", "ends at once"]).as_deref() {
            Some("never ends") => future::pending().boxed(),
            Some(_) => future::ready(()).boxed(),
            None => self.sound.sleep(duration),
        }
    }

    fn now(&self) -> Timestamp {
        match self.lie("now", &["is ahead"]) {
            Some(_) => Timestamp::from_micros(self.sound.now().as_micros() + 1_000_000),
            None => self.sound.now(),
        }
    }

    fn entropy(&self) -> u64 {
        self.sound.entropy()
    }
}

struct Fixture {
    script: Script,
    ends: bool,
}

impl RuntimeFixture for Fixture {
    type Guard = Ends;
    type Runtime = Liar;

    fn open(&self) -> (Ends, Liar) {
        let made = self.script.made("runtime");
        let named = |mutation: &Mutation| format!("is a twin of {mutation:?}");
        // Not the one that is found at luck by checks in which little is to be waited for.
        let all = MUTATIONS.iter().map(|(mutation, _)| mutation);
        let all = || {
            all.clone()
                .filter(|mutation| **mutation != Mutation::TasksAreNotPolledAgain)
        };
        self.script.could(&made, all().map(named));
        let mutation = all().find(|mutation| made.lie.as_ref() == Some(&named(mutation)));
        if mutation.is_some() {
            self.script.tells();
        }
        let (ends, sound) = Broken::new(mutation.copied().unwrap_or(Mutation::None));
        let script = self.script.clone();
        (ends, Liar { sound, script })
    }

    fn ends(&self) -> bool {
        self.ends
    }

    fn patience(&self) -> Duration {
        Duration::from_millis(500)
    }
}

fn run(check: &str, script: &Script, waived: Option<Site>) -> Seen {
    let (ends, check) = match check.strip_prefix("endless ") {
        Some(check) => (false, check),
        None => (true, check),
    };
    let script = script.clone();
    let clock = script.clone();
    let audit = Arc::new(Audit::new(waived, move || clock.now()));
    let ran = || proof::named(CHECKS, check).run_audited(&Fixture { script, ends }, Arc::clone(&audit));
    let ended = match catch_unwind(AssertUnwindSafe(ran)) {
        Ok(Ok(())) => Ended::Content,
        Ok(Err(broken)) => Ended::Broken(broken.at),
        Err(payload) => {
            // It may panic again.
            asynx_core::drop_caught(payload);
            Ended::Panicked
        }
    };
    Seen {
        ended,
        came_to: audit.came_to(),
    }
}

#[test]
fn every_assertion_about_runtimes_is_needed() {
    let checks = CHECKS.iter().map(|check| check.name.to_owned());
    every_assertion_is_needed(&Suite {
        lies: "tests/twins/runtime/lies.txt",
        sources: vec![
            "src/conformance/runtime/checks.rs",
            "src/conformance/runtime/entropy.rs",
            "src/conformance/runtime/tasks.rs",
            "src/conformance/runtime/time.rs",
            "src/conformance/runtime/trial.rs",
            "src/conformance/witness.rs",
        ],
        checks: checks
            .chain(["endless r1_tasks_are_dropped_with_the_runtime".to_owned()])
            .collect(),
        run: &run,
    });
}
