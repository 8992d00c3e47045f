use asynx_core::Store;

use super::{Capabilities, StoreFixture};

/// The fixture of a store in memory that can do all, made anew by a function for each check; its clones are further
/// handles to the same data.
///
/// ```
/// use asynx_store_memory::MemoryStore;
/// use asynx_testkit::conformance::InMemory;
///
/// asynx_testkit::store_conformance!(InMemory(MemoryStore::new));
/// ```
#[derive(Debug, Clone, Copy)]
pub struct InMemory<S>(
    /// Makes the store.
    pub fn() -> S,
);

impl<S: Store + Clone> StoreFixture for InMemory<S> {
    type Guard = ();
    type Store = S;

    async fn open(&self) -> ((), S) {
        ((), (self.0)())
    }

    async fn another(&self, store: &S) -> Option<S> {
        Some(store.clone())
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::all_of_a_store().with_another_handle()
    }

    fn name(&self) -> String {
        std::any::type_name::<S>().to_owned()
    }
}
