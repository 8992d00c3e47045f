//! The memory store keeps every law.
use asynx_store_memory::MemoryStore;

struct Memory;

impl asynx_testkit::conformance::StoreFixture for Memory {
    type Guard = ();
    type Store = MemoryStore;

    async fn open(&self) -> ((), MemoryStore) {
        ((), MemoryStore::new())
    }
}
asynx_testkit::store_conformance!(Memory);
