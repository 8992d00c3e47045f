//! The laws of buses.

mod broken;
mod liar;
mod lies;
mod mutation;
mod teller;

use std::sync::Arc;
use std::time::Duration;

use asynx_core::Runtime;
use asynx_core::bus::Hooks;
use asynx_testkit::ThreadRuntime;
use asynx_testkit::conformance::bus::{BusFixture, CHECKS, LAWS, Probe, Trial};
use asynx_testkit::conformance::{Check, LawBroken};
use asynx_testkit::sim::Sim;

use self::broken::Broken;
use self::mutation::{MUTATIONS, Mutation};
use crate::proof;

struct Twin {
    mutation: Mutation,
    runtime: Arc<dyn Runtime>,
}

impl BusFixture for Twin {
    type Guard = ();
    type Bus = Broken;

    async fn open(&self, runtime: Arc<dyn Runtime>, hooks: Hooks<Probe>) -> ((), Broken) {
        ((), Broken::new(self.mutation, runtime, hooks))
    }

    fn name(&self) -> String {
        format!("twin of {:?}", self.mutation)
    }

    fn runtime(&self) -> Arc<dyn Runtime> {
        Arc::clone(&self.runtime)
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(4)
    }
}

/// The laws that find a bus of this kind broken.
fn broken_laws(mutation: Mutation) -> Vec<LawBroken> {
    CHECKS.iter().filter_map(|check| run(mutation, check)).collect()
}

fn is_found_by(mutation: Mutation, check: &str) -> bool {
    run(mutation, proof::named(CHECKS, check)).is_some()
}

/// In a simulator, where all waits are short; but one that holds its thread up needs several.
fn run(mutation: Mutation, check: &Check<Trial>) -> Option<LawBroken> {
    if mutation == Mutation::PublishWaitsForRoom {
        let runtime = Arc::new(ThreadRuntime);
        return ThreadRuntime.block_on(check.run(&Twin { mutation, runtime })).err();
    }
    let sim = Sim::seeded(1);
    let runtime = Arc::new(sim.main().clone());
    let kept = sim.block_on(check.run(&Twin { mutation, runtime }));
    kept.unwrap_or_else(|stuck| panic!("{}: {stuck}", check.name)).err()
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
