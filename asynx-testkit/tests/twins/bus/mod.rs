//! The laws of buses.

mod broken;
mod liar;
mod lies;
mod mutation;

use std::sync::Arc;
use std::time::Duration;

use asynx_core::Runtime;
use asynx_core::bus::Hooks;
use asynx_testkit::ThreadRuntime;
use asynx_testkit::conformance::LawBroken;
use asynx_testkit::conformance::bus::{BusFixture, CHECKS, LAWS, Probe};
use futures::future::join_all;

use self::broken::Broken;
use self::mutation::{MUTATIONS, Mutation};
use crate::proof;

struct Twin(Mutation);

impl BusFixture for Twin {
    type Guard = ();
    type Bus = Broken;

    async fn open(&self, runtime: Arc<dyn Runtime>, hooks: Hooks<Probe>) -> ((), Broken) {
        ((), Broken::new(self.0, runtime, hooks))
    }

    fn name(&self) -> String {
        format!("twin of {:?}", self.0)
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(4)
    }
}

/// The laws that find a bus of this kind broken.
fn broken_laws(mutation: Mutation) -> Vec<LawBroken> {
    let twin = Twin(mutation);
    let checks = CHECKS.iter().map(|check| check.run(&twin));
    let kept = ThreadRuntime.block_on(join_all(checks));
    kept.into_iter().filter_map(Result::err).collect()
}

fn is_found_by(mutation: Mutation, check: &str) -> bool {
    let check = proof::named(CHECKS, check);
    ThreadRuntime.block_on(check.run(&Twin(mutation))).is_err()
}

#[test]
fn a_whole_bus_breaks_no_law() {
    let found = broken_laws(Mutation::None);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_law_is_proven() {
    let docs = [include_str!("../../../../asynx-core/src/bus/mod.rs")];
    proof::every_law_is_proven(&docs, LAWS, CHECKS, MUTATIONS);
}
