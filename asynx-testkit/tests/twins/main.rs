//! The proof of the kit: for each law a store that is broken in one way, which that law must find, and a store that
//! is whole, which no law may find broken.

mod broken;
mod broken_append;
mod broken_capabilities;
mod broken_checkpoints;
mod capabilities;
mod mutation;
mod staged;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use asynx_testkit::ThreadRuntime;
use asynx_testkit::conformance::{CHECKS, Capabilities, LAWS, LawBroken, LeaseLoser, SlowTransactions, StoreFixture};
use futures::future::join_all;

use crate::broken::Broken;
use crate::mutation::{MUTATIONS, Mutation};

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

fn broken_laws(mutation: Mutation) -> Vec<LawBroken> {
    let twin = Twin(mutation);
    let checks = CHECKS.iter().map(|check| check.run(&twin));
    let kept = ThreadRuntime.block_on(join_all(checks));
    kept.into_iter().filter_map(Result::err).collect()
}

/// The law finds the store broken and says all that is needed; no law does that has nothing to do with it.
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
fn a_whole_store_breaks_no_law() {
    let found = broken_laws(Mutation::None);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_law_has_a_check_and_a_twin() {
    let laws: BTreeSet<&str> = LAWS.iter().map(|law| law.number).collect();
    let checked: BTreeSet<&str> = CHECKS.iter().map(|check| check.law.number).collect();
    let broken: BTreeSet<&str> = MUTATIONS.iter().map(|(_, law)| *law).collect();
    assert_eq!(laws, checked);
    assert_eq!(laws, broken);
    for check in CHECKS {
        let number = check.law.number.to_lowercase();
        assert!(check.name.starts_with(&format!("{number}_")), "{}", check.name);
    }
}

#[test]
fn every_law_of_the_trait_docs_is_checked() {
    let docs = [
        include_str!("../../../asynx-core/src/store/mod.rs"),
        include_str!("../../../asynx-core/src/store/snapshot.rs"),
        include_str!("../../../asynx-core/src/store/erase.rs"),
        include_str!("../../../asynx-core/src/store/log.rs"),
        include_str!("../../../asynx-core/src/store/writer.rs"),
        include_str!("../../../asynx-core/src/store/checkpoints.rs"),
    ];
    let written: BTreeSet<&str> = docs
        .iter()
        .flat_map(|text| text.lines())
        .filter_map(|line| {
            line.strip_prefix("/// - **")?
                .split_once("**")
                .map(|(number, _)| number)
        })
        .collect();
    let laws: BTreeSet<&str> = LAWS.iter().map(|law| law.number).collect();
    assert_eq!(laws, written);
}
