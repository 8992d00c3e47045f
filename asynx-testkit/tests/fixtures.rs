//! The kit holds stores of all kinds to the laws: the plainest, one database for all checks, any runtime.

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use asynx_store_memory::MemoryStore;
use asynx_testkit::ThreadRuntime;
use asynx_testkit::conformance::{Capabilities, InMemory, StoreFixture};
use asynx_testkit::hosts::{On, Smol, Tokio};

/// All checks at once on one store.
mod shared {
    use super::*;

    static STORE: LazyLock<MemoryStore> = LazyLock::new(MemoryStore::new);

    // One thread, so that a check that starves its own tasks would be found.
    asynx_testkit::store_conformance!(On(Tokio::one_thread(), InMemory(|| STORE.clone())));
}

/// A store of the five methods, on smol; everything else comes from the defaults, or is refused.
mod plain {
    use asynx_testkit::PlainStore;

    use super::*;

    struct Plain;

    impl StoreFixture for Plain {
        type Guard = ();
        type Store = PlainStore;

        async fn open(&self) -> ((), PlainStore) {
            ((), PlainStore::default())
        }

        async fn another(&self, store: &PlainStore) -> Option<PlainStore> {
            Some(store.clone())
        }

        fn capabilities(&self) -> Capabilities {
            Capabilities::none().with_another_handle()
        }
    }

    asynx_testkit::store_conformance!(On(Smol, Plain));
}

/// The layers are stores too, also when they delay and reorder what passes.
mod behind_layers {
    use asynx_testkit::faults::{Fault, FaultPlan, FaultyStore, Rule};
    use asynx_testkit::layers::{Call, CountingStore, GateStore};

    use super::*;

    struct Layered;

    impl StoreFixture for Layered {
        type Guard = ();
        type Store = FaultyStore<CountingStore<GateStore<MemoryStore>>>;

        async fn open(&self) -> ((), Self::Store) {
            let store = CountingStore::new(GateStore::new(MemoryStore::new()));
            let reorder = Fault::Reorder(Duration::from_millis(1));
            let plan = FaultPlan::seeded(1)
                .with(Rule::chance(0.02, reorder))
                .with(Rule::chance(0.1, Fault::Slow(Duration::from_millis(1))).on(Call::WRITES));
            ((), FaultyStore::new(store, plan, Arc::new(ThreadRuntime)))
        }
    }

    asynx_testkit::store_conformance!(Layered);
}
