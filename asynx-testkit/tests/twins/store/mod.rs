//! The laws of stores.

mod broken;
mod broken_append;
mod broken_capabilities;
mod broken_checkpoints;
mod capabilities;
mod liar;
mod lies;
mod mutation;
mod staged;

use std::sync::Arc;
use std::time::Duration;

use asynx_testkit::ThreadRuntime;
use asynx_testkit::conformance::{CHECKS, Capabilities, LAWS, LawBroken, LeaseLoser, SlowTransactions, StoreFixture};
use futures::future::join_all;

use self::broken::Broken;
use self::mutation::{MUTATIONS, Mutation};
use crate::proof;

struct Twin(Mutation);

impl StoreFixture for Twin {
    type Guard = ();
    type Store = Broken;

    fn capabilities(&self) -> Capabilities {
        Capabilities::all_of_a_store()
            .with_slow_transactions()
            .with_lost_leases()
            .with_another_handle()
    }

    async fn open(&self) -> ((), Broken) {
        ((), Broken::new(self.0))
    }

    async fn another(&self, store: &Broken) -> Option<Broken> {
        Some(store.another())
    }

    fn name(&self) -> String {
        format!("twin of {:?}", self.0)
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(4)
    }

    fn slow_transactions(&self, store: &Broken) -> Option<Arc<dyn SlowTransactions>> {
        Some(Arc::new(store.staged.clone()))
    }

    fn lease_loser(&self, store: &Broken) -> Option<Arc<dyn LeaseLoser>> {
        Some(Arc::new(store.staged.clone()))
    }
}

/// The laws that find a store of this kind broken.
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
    ];
    proof::every_law_is_proven(&docs, LAWS, CHECKS, MUTATIONS);
}
