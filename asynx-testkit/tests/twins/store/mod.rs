//! The laws of stores.

mod broken;
mod broken_append;
mod broken_capabilities;
mod broken_checkpoints;
mod broken_leases;
mod broken_parking;
mod broken_transactions;
mod capabilities;
mod liar;
mod lies;
mod lying_transactions;
mod mutation;
mod staged;

use std::sync::Arc;
use std::time::Duration;

use asynx_core::Runtime;
use asynx_testkit::conformance::{
    AnyTransactions, CHECKS, Capabilities, Check, LAWS, LawBroken, LeaseLoser, SlowTransactions, StoreFixture, Trial,
};
use asynx_testkit::sim::{Sim, SimProcess};

use self::broken::Broken;
use self::mutation::{MUTATIONS, Mutation};
use crate::proof;

/// A twin in a simulator, where all waits are short.
struct Twin {
    mutation: Mutation,
    process: SimProcess,
}

impl StoreFixture for Twin {
    type Guard = ();
    type Store = Broken;

    fn capabilities(&self) -> Capabilities {
        Capabilities::all_of_a_store()
            .with_slow_transactions()
            .with_lost_leases()
            .with_transactions()
            .with_another_handle()
    }

    async fn open(&self) -> ((), Broken) {
        ((), Broken::new(self.mutation, self.runtime()))
    }

    async fn another(&self, store: &Broken) -> Option<Broken> {
        Some(store.another())
    }

    fn name(&self) -> String {
        format!("twin of {:?}", self.mutation)
    }

    fn runtime(&self) -> Arc<dyn Runtime> {
        Arc::new(self.process.clone())
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn slow_transactions(&self, store: &Broken) -> Option<Arc<dyn SlowTransactions>> {
        Some(Arc::new(store.staged.clone()))
    }

    fn transactions(&self, store: &Broken) -> Option<Arc<dyn AnyTransactions>> {
        Some(Arc::new(store.same()))
    }

    fn lease_loser(&self, store: &Broken) -> Option<Arc<dyn LeaseLoser>> {
        Some(Arc::new(store.staged.clone()))
    }
}

/// The laws that find a store of this kind broken.
fn broken_laws(mutation: Mutation) -> Vec<LawBroken> {
    CHECKS.iter().filter_map(|check| run(mutation, check)).collect()
}

fn is_found_by(mutation: Mutation, check: &str) -> bool {
    run(mutation, proof::named(CHECKS, check)).is_some()
}

fn run(mutation: Mutation, check: &Check<Trial>) -> Option<LawBroken> {
    let sim = Sim::seeded(1);
    let process = sim.main().clone();
    let kept = sim.block_on(check.run(&Twin { mutation, process }));
    kept.unwrap_or_else(|stuck| panic!("{}: {stuck}", check.name)).err()
}

#[test]
fn a_whole_store_breaks_no_law() {
    let found = broken_laws(Mutation::None);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_law_is_proven() {
    let docs = [
        include_str!("../../../../asynx-core/src/store/mod.rs"),
        include_str!("../../../../asynx-core/src/store/snapshot.rs"),
        include_str!("../../../../asynx-core/src/store/erase.rs"),
        include_str!("../../../../asynx-core/src/store/log.rs"),
        include_str!("../../../../asynx-core/src/store/writer.rs"),
        include_str!("../../../../asynx-core/src/store/checkpoints.rs"),
        include_str!("../../../../asynx-core/src/store/leases.rs"),
        include_str!("../../../../asynx-core/src/store/parking.rs"),
        include_str!("../../../../asynx-core/src/store/transactions.rs"),
    ];
    proof::every_law_is_proven(&docs, LAWS, CHECKS, MUTATIONS);
}
