use std::sync::Arc;

use asynx_core::Runtime;
use asynx_runtime::TokioRuntime;
use asynx_store_jetstream::{JetStreamOptions, JetStreamStore};
use asynx_testkit::conformance::{Capabilities, StoreFixture};

use super::TOKIO;

/// One stream for all laws, which run in it at once.
pub(crate) struct Fixture {
    url: String,
    options: JetStreamOptions,
}

impl Fixture {
    pub(crate) fn single() -> Self {
        Self {
            url: super::url(),
            options: JetStreamOptions::new().with_stream("laws"),
        }
    }

    async fn connect(&self) -> JetStreamStore {
        let opened = JetStreamStore::connect_with(&self.url, self.options.clone()).await;
        opened.expect("the store opens")
    }
}

impl StoreFixture for Fixture {
    type Guard = ();
    type Store = JetStreamStore;

    async fn open(&self) -> ((), JetStreamStore) {
        ((), self.connect().await)
    }

    async fn another(&self, _: &JetStreamStore) -> Option<JetStreamStore> {
        Some(self.connect().await)
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
}
