use std::sync::Arc;

use async_trait::async_trait;
use asynx_core::Category;
use asynx_runtime::{SmolRuntime, TokioRuntime};
use asynx_store_sqlite::{SqliteOptions, SqliteStore};
use asynx_testkit::conformance::{Capabilities, LeaseLoser, StoreFixture};

use super::Folder;
use super::mirror::Mirror;

/// A file that goes with the fixture. Any number of stores may have it open.
pub(crate) struct File {
    folder: Arc<Folder>,
    inline: bool,
}

impl File {
    pub(crate) fn new() -> Self {
        Self {
            folder: Arc::new(Folder::new()),
            inline: false,
        }
    }

    /// With an inline projection that wants every event.
    pub(crate) fn inline() -> Self {
        Self {
            inline: true,
            ..Self::new()
        }
    }

    async fn store(&self) -> SqliteStore {
        let mut given = options();
        if self.inline {
            Mirror::prepare(&self.folder, options(), "mirror").await;
            given = given.with_inline(Mirror::of("mirror"));
        }
        let store = SqliteStore::open_with(self.folder.file(), given).await;
        store.expect("the store opens")
    }
}

/// A store in memory, made where there need not be a runtime.
pub(crate) fn in_memory() -> SqliteStore {
    let store = smol::block_on(SqliteStore::in_memory_with(options()));
    store.expect("the store opens")
}

/// What runs on tokio, where that is; else smol, in threads of its own.
fn options() -> SqliteOptions {
    match TokioRuntime::current() {
        Ok(runtime) => SqliteOptions::new().with_runtime(runtime),
        Err(_) => SqliteOptions::new().with_runtime(SmolRuntime::new()),
    }
}

impl StoreFixture for File {
    type Guard = ();
    type Store = SqliteStore;

    async fn open(&self) -> ((), SqliteStore) {
        ((), self.store().await)
    }

    async fn another(&self, _: &SqliteStore) -> Option<SqliteStore> {
        Some(self.store().await)
    }

    fn capabilities(&self) -> Capabilities {
        // One transaction writes at a time, so none can be under way beside another.
        Capabilities::all_of_a_store().with_another_handle().with_lost_leases()
    }

    fn lease_loser(&self, _: &SqliteStore) -> Option<Arc<dyn LeaseLoser>> {
        Some(Arc::new(Remover(Arc::clone(&self.folder))))
    }
}

/// Somebody takes a lock file for litter.
struct Remover(Arc<Folder>);

#[async_trait]
impl LeaseLoser for Remover {
    async fn lose(&self, _: &Category) {
        self.0.remove_locks();
    }
}
