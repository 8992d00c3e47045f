use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use asynx_core::{Category, Runtime};
use asynx_runtime::{SmolRuntime, TokioRuntime};
use asynx_store_sqlite::{SqliteOptions, SqliteStore};
use asynx_testkit::conformance::{Capabilities, LeaseLoser, StoreFixture};

use super::Folder;

/// A new database for each check.
pub(crate) struct Sqlite {
    runtime: Kind,
    in_memory: bool,
    folder: Mutex<Option<Arc<Folder>>>,
}

enum Kind {
    Tokio(tokio::runtime::Runtime),
    Smol,
}

impl Sqlite {
    pub(crate) fn on_threads() -> Self {
        let mut builder = tokio::runtime::Builder::new_multi_thread();
        Self::on(Kind::Tokio(
            builder.worker_threads(2).enable_all().build().expect("tokio starts"),
        ))
    }

    pub(crate) fn on_one_thread() -> Self {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        Self::on(Kind::Tokio(builder.enable_all().build().expect("tokio starts")))
    }

    pub(crate) fn on_smol() -> Self {
        Self::on(Kind::Smol)
    }

    pub(crate) fn in_memory() -> Self {
        Self {
            in_memory: true,
            ..Self::on_threads()
        }
    }

    const fn on(runtime: Kind) -> Self {
        Self {
            runtime,
            in_memory: false,
            folder: Mutex::new(None),
        }
    }
}

impl StoreFixture for Sqlite {
    type Guard = Arc<Folder>;
    type Store = SqliteStore;

    async fn open(&self) -> (Arc<Folder>, SqliteStore) {
        let folder = Arc::new(Folder::new());
        *self.folder.lock().expect("nobody panics") = Some(Arc::clone(&folder));
        let options = match &self.runtime {
            Kind::Tokio(runtime) => SqliteOptions::new().with_runtime(TokioRuntime::new(runtime.handle().clone())),
            Kind::Smol => SqliteOptions::new().with_runtime(SmolRuntime::new()),
        };
        let store = match self.in_memory {
            true => SqliteStore::in_memory_with(options).await,
            false => SqliteStore::open_with(folder.file(), options).await,
        };
        (folder, store.expect("the store opens"))
    }

    fn capabilities(&self) -> Capabilities {
        match self.in_memory {
            // Nobody can take a lease away.
            true => Capabilities::all_of_a_store(),
            false => Capabilities::all_of_a_store().with_lost_leases(),
        }
    }

    fn runtime(&self) -> Arc<dyn Runtime> {
        match &self.runtime {
            Kind::Tokio(runtime) => Arc::new(TokioRuntime::new(runtime.handle().clone())),
            Kind::Smol => Arc::new(SmolRuntime::new()),
        }
    }

    fn block_on<T>(&self, check: impl Future<Output = T>) -> T {
        match &self.runtime {
            Kind::Tokio(runtime) => runtime.block_on(check),
            Kind::Smol => smol::block_on(check),
        }
    }

    fn lease_loser(&self, _: &SqliteStore) -> Option<Arc<dyn LeaseLoser>> {
        let folder = self.folder.lock().expect("nobody panics").clone();
        folder
            .filter(|_| !self.in_memory)
            .map(|folder| Arc::new(Remover(folder)) as _)
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
