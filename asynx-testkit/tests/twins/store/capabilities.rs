//! Capabilities must be as the fixture declares them.

use asynx_store_memory::MemoryStore;
use asynx_testkit::ThreadRuntime;
use asynx_testkit::conformance::{CHECKS, Capabilities, StoreFixture};

struct Declaring {
    capabilities: Capabilities,
    has_another: bool,
}

impl StoreFixture for Declaring {
    type Guard = ();
    type Store = MemoryStore;

    fn capabilities(&self) -> Capabilities {
        self.capabilities
    }

    async fn open(&self) -> ((), MemoryStore) {
        ((), MemoryStore::new())
    }

    async fn another(&self, store: &MemoryStore) -> Option<MemoryStore> {
        self.has_another.then(|| store.clone())
    }
}

/// What the checks of one law say.
fn seen(capabilities: Capabilities, has_another: bool, law: &str) -> Vec<Option<String>> {
    let fixture = Declaring {
        capabilities,
        has_another,
    };
    let checks = CHECKS.iter().filter(|check| check.law.number == law);
    let run = checks.map(|check| ThreadRuntime.block_on(check.run(&fixture)).err());
    run.map(|broken| broken.map(|broken| broken.seen)).collect()
}

#[test]
fn what_is_not_declared_must_refuse() {
    let none = Capabilities::none();
    for law in [
        "S5", "N1", "N2", "N3", "N4", "E1", "E2", "E3", "E4", "E5", "E6", "L1", "L6", "L7", "W1", "W2", "W3", "C1",
        "C2", "C3", "C4", "C5", "C6", "G1", "G2", "G3", "G4", "G5", "P1", "P2", "P3",
    ] {
        for seen in seen(none, true, law) {
            let seen = seen.unwrap_or_else(|| panic!("{law} passes over what is not declared"));
            let told = seen.contains("does not declare") || seen.contains("`unique_event_ids`");
            assert!(told, "{law}: {seen}");
        }
    }
}

#[test]
fn what_is_declared_must_be_there() {
    let more = Capabilities::all_of_a_store()
        .with_slow_transactions()
        .with_lost_leases()
        .with_another_handle();
    for law in ["L5", "W3", "S2"] {
        let seen: Vec<String> = seen(more, false, law).into_iter().flatten().collect();
        assert!(seen.iter().any(|seen| seen.contains("declares")), "{law}: {seen:?}");
    }
}
