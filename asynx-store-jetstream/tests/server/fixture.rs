use std::sync::{Arc, LazyLock};
use std::time::Duration;

use asynx_core::Runtime;
use asynx_runtime::TokioRuntime;
use asynx_store_jetstream::{JetStreamOptions, JetStreamStore};
use asynx_testkit::conformance::{Capabilities, StoreFixture};

use super::{Servers, TOKIO, named_url, store_at};

/// One stream for all laws, which run in it at once.
pub(crate) struct Fixture {
    urls: String,
    options: JetStreamOptions,
    patience: Duration,
}

impl Fixture {
    /// One server: the one that a person names, or else one of our own.
    pub(crate) fn single() -> Self {
        static SERVER: LazyLock<Servers> = LazyLock::new(|| Servers::start(1, ""));
        Self {
            urls: named_url().unwrap_or_else(|| SERVER.url()),
            options: JetStreamOptions::new().with_stream("laws"),
            patience: Duration::from_secs(30),
        }
    }

    /// A cluster of three that all keep every event.
    pub(crate) fn cluster() -> Self {
        static CLUSTER: LazyLock<Servers> = LazyLock::new(|| Servers::start(3, ""));
        Self {
            urls: CLUSTER.url(),
            options: JetStreamOptions::new().with_stream("laws").with_replicas(3),
            patience: Duration::from_secs(90),
        }
    }
}

impl StoreFixture for Fixture {
    type Guard = ();
    type Store = JetStreamStore;

    async fn open(&self) -> ((), JetStreamStore) {
        ((), store_at(&self.urls, self.options.clone()).await)
    }

    async fn another(&self, _: &JetStreamStore) -> Option<JetStreamStore> {
        Some(store_at(&self.urls, self.options.clone()).await)
    }

    fn capabilities(&self) -> Capabilities {
        Capabilities::none()
            .with_snapshots()
            .with_log()
            .with_erase()
            .with_checkpoints()
            .with_leases()
            .with_parking()
            .with_another_handle()
    }

    fn runtime(&self) -> Arc<dyn Runtime> {
        Arc::new(TokioRuntime::new(TOKIO.handle().clone()))
    }

    fn block_on<T>(&self, check: impl Future<Output = T>) -> T {
        TOKIO.block_on(check)
    }

    fn patience(&self) -> Duration {
        self.patience
    }
}
