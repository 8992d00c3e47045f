//! The laws of runtimes.

mod broken;
mod lies;
mod mutation;

use std::time::Duration;

use asynx_testkit::conformance::LawBroken;
use asynx_testkit::conformance::runtime::{CHECKS, LAWS, RuntimeFixture};

use self::broken::{Broken, Ends};
use self::mutation::{MUTATIONS, Mutation};
use crate::proof;

struct Twin(Mutation);

impl RuntimeFixture for Twin {
    type Guard = Ends;
    type Runtime = Broken;

    fn open(&self) -> (Ends, Broken) {
        Broken::new(self.0)
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

/// The laws that find a runtime of this kind broken.
fn broken_laws(mutation: Mutation) -> Vec<LawBroken> {
    let twin = Twin(mutation);
    CHECKS.iter().filter_map(|check| check.run(&twin).err()).collect()
}

fn is_found_by(mutation: Mutation, check: &str) -> bool {
    proof::named(CHECKS, check).run(&Twin(mutation)).is_err()
}

#[test]
fn a_whole_runtime_breaks_no_law() {
    let found = broken_laws(Mutation::None);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_law_is_proven() {
    let docs = [include_str!("../../../../asynx-core/src/runtime.rs")];
    proof::every_law_is_proven(&docs, LAWS, CHECKS, MUTATIONS);
}
