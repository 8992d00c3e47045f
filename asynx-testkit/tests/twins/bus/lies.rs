//! Each assertion about buses is needed.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use asynx_core::bus::Hooks;
use asynx_core::{Runtime, Timestamp};
use asynx_testkit::conformance::bus::{BusFixture, CHECKS, Probe};
use asynx_testkit::conformance::{Audit, Site};
use asynx_testkit::sim::{Sim, SimProcess};
use futures::FutureExt;
use futures::future::{self, BoxFuture};

use super::liar::Liar;
use crate::lies::{Ended, Script, Seen, Suite, every_assertion_is_needed};
use crate::proof;

struct Fixture {
    script: Script,
    process: SimProcess,
}

impl BusFixture for Fixture {
    type Guard = ();
    type Bus = Liar;

    async fn open(&self, runtime: Arc<dyn Runtime>, hooks: Hooks<Probe>) -> ((), Liar) {
        ((), Liar::new(&self.script, runtime, hooks))
    }

    fn runtime(&self) -> Arc<dyn Runtime> {
        Arc::new(LyingRuntime {
            script: self.script.clone(),
            process: self.process.clone(),
        })
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(1)
    }
}

/// For what no bus can do to a check that runs in one thread.
struct LyingRuntime {
    script: Script,
    process: SimProcess,
}

impl LyingRuntime {
    fn never(&self, kind: &'static str) -> bool {
        const NEVER: &str = "never";
        let made = self.script.made(kind);
        self.script.could(&made, [NEVER.to_owned()]);
        if made.lie.is_some() {
            self.script.tells();
        }
        made.lie.is_some()
    }
}

impl Runtime for LyingRuntime {
    fn spawn(&self, task: BoxFuture<'static, ()>) {
        match self.never("spawn") {
            true => self.process.spawn(future::pending().map(|()| drop(task)).boxed()),
            false => self.process.spawn(task),
        }
    }

    fn sleep(&self, duration: Duration) -> BoxFuture<'static, ()> {
        match self.never("sleep") {
            true => future::pending().boxed(),
            false => self.process.sleep(duration),
        }
    }

    fn now(&self) -> Timestamp {
        self.process.now()
    }

    fn entropy(&self) -> u64 {
        self.process.entropy()
    }
}

fn run(check: &str, script: &Script, waived: Option<Site>) -> Seen {
    let sim = Sim::seeded(1).max_steps(1_000_000);
    let fixture = Fixture {
        script: script.clone(),
        process: sim.main().clone(),
    };
    let clock = script.clone();
    let audit = Arc::new(Audit::new(waived, move || clock.now()));
    let check = proof::named(CHECKS, check);
    let ran = || sim.block_on(check.run_audited(&fixture, Arc::clone(&audit)));
    let ended = match catch_unwind(AssertUnwindSafe(ran)) {
        Ok(Ok(Ok(()))) => Ended::Content,
        Ok(Ok(Err(broken))) => Ended::Broken(broken.at),
        Ok(Err(stuck)) => panic!("{}: {stuck}", check.name),
        Err(_) => Ended::Panicked,
    };
    Seen {
        ended,
        came_to: audit.came_to(),
    }
}

#[test]
fn every_assertion_about_buses_is_needed() {
    every_assertion_is_needed(&Suite {
        lies: "tests/twins/bus/lies.txt",
        sources: vec![
            "src/conformance/bus/checks.rs",
            "src/conformance/bus/context.rs",
            "src/conformance/bus/delivery.rs",
            "src/conformance/bus/ending.rs",
            "src/conformance/bus/failure.rs",
            "src/conformance/bus/forget.rs",
            "src/conformance/bus/given.rs",
            "src/conformance/bus/order.rs",
            "src/conformance/bus/trial.rs",
            "src/conformance/witness.rs",
        ],
        checks: CHECKS.iter().map(|check| check.name.to_owned()).collect(),
        run: &run,
    });
}
