use std::time::Duration;

use asynx_nats_testing::Servers;
use asynx_store_jetstream::{JetStreamOptions, JetStreamStore};

/// Opens stores at the servers of a test.
pub(crate) trait Opens {
    /// Opens a store, as soon as the servers are ready.
    async fn store(&self, options: JetStreamOptions) -> JetStreamStore;
}

impl Opens for Servers {
    async fn store(&self, options: JetStreamOptions) -> JetStreamStore {
        store_at(&self.url(), options).await
    }
}

/// Opens a store at servers that may not be ready yet.
pub(crate) async fn store_at(urls: &str, options: JetStreamOptions) -> JetStreamStore {
    let mut tries = 0;
    loop {
        match JetStreamStore::connect_with(urls, options.clone()).await {
            Ok(store) => return store,
            Err(error) if tries == 300 => panic!("the store does not open: {error}"),
            Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
        }
        tries += 1;
    }
}
