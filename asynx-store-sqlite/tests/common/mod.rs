//! What the tests share.
#![allow(dead_code, unreachable_pub)]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use asynx_core::Runtime;
use asynx_runtime::TokioRuntime;
use asynx_store_sqlite::{SqliteOptions, SqliteStore};
use asynx_testkit::conformance::StoreFixture;

/// A directory that goes with the test.
pub struct Folder(PathBuf);

impl Folder {
    pub fn new() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let number = NEXT.fetch_add(1, Ordering::SeqCst);
        let name = format!("asynx-sqlite-{}-{number}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&path).expect("a directory for temporary files");
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn file(&self) -> PathBuf {
        self.0.join("store.db")
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A new file for each check.
pub struct OnTokio {
    runtime: tokio::runtime::Runtime,
}

impl Default for OnTokio {
    fn default() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build();
        Self {
            runtime: runtime.expect("tokio starts"),
        }
    }
}

impl StoreFixture for OnTokio {
    type Guard = Folder;
    type Store = SqliteStore;

    async fn open(&self) -> (Folder, SqliteStore) {
        let folder = Folder::new();
        let options = SqliteOptions::new();
        let store = SqliteStore::open_with(folder.file(), options).await;
        (folder, store.expect("the store opens"))
    }

    fn runtime(&self) -> Arc<dyn Runtime> {
        Arc::new(TokioRuntime::new(self.runtime.handle().clone()))
    }

    fn block_on<T>(&self, check: impl Future<Output = T>) -> T {
        self.runtime.block_on(check)
    }
}
