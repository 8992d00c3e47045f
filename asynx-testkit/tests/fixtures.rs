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
mod plain_on_smol {
    use std::collections::BTreeMap;
    use std::sync::{Mutex, MutexGuard, PoisonError};

    use async_trait::async_trait;
    use asynx_core::store::{AppendError, NewEvent, StoredEvent};
    use asynx_core::{Position, Store, StoreError, StreamId, Version};
    use bytes::Bytes;

    use super::*;

    #[derive(Default)]
    struct Plain(Mutex<BTreeMap<StreamId, Vec<Bytes>>>);

    impl Plain {
        fn lock(&self) -> MutexGuard<'_, BTreeMap<StreamId, Vec<Bytes>>> {
            self.0.lock().unwrap_or_else(PoisonError::into_inner)
        }
    }

    #[async_trait]
    impl Store for Plain {
        async fn append(&self, stream: &StreamId, event: NewEvent) -> Result<Option<Position>, AppendError> {
            let mut streams = self.lock();
            let known = streams.get(stream).map_or(0, Vec::len);
            if event.version.get() != known as u64 + 1 {
                return Err(AppendError::Conflict);
            }
            streams.entry(stream.clone()).or_default().push(event.record);
            Ok(None)
        }

        async fn read_from(&self, stream: &StreamId, from: Version) -> Result<Vec<StoredEvent>, StoreError> {
            self.read_range(stream, from, usize::MAX).await
        }

        async fn read_range(
            &self,
            stream: &StreamId,
            from: Version,
            count: usize,
        ) -> Result<Vec<StoredEvent>, StoreError> {
            let streams = self.lock();
            let records = streams.get(stream).into_iter().flatten();
            let events = (1..)
                .filter_map(Version::new)
                .zip(records)
                .map(|(version, record)| StoredEvent {
                    version,
                    position: None,
                    record: record.clone(),
                });
            Ok(events.filter(|event| event.version >= from).take(count).collect())
        }

        async fn count(&self, stream: &StreamId, from: Version) -> Result<u64, StoreError> {
            Ok(self.read_from(stream, from).await?.len() as u64)
        }

        async fn delete(&self, stream: &StreamId) -> Result<(), StoreError> {
            self.lock().remove(stream);
            Ok(())
        }
    }

    struct FiveMethods;

    impl StoreFixture for FiveMethods {
        type Guard = ();
        type Store = Plain;

        async fn open(&self) -> ((), Plain) {
            ((), Plain::default())
        }

        fn capabilities(&self) -> Capabilities {
            Capabilities::none()
        }
    }

    asynx_testkit::store_conformance!(On(Smol, FiveMethods));
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
