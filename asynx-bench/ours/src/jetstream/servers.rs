use std::time::Duration;

use asynx::store::{JetStreamOptions, JetStreamStore};
use asynx_nats_testing::Servers;

/// How often opening is tried, in steps of 50 ms: a cluster has to choose its leaders first.
const TRIES: usize = 600;

/// A store that so many servers keep, as they come: a message is answered before it is synced to the disk.
pub(super) async fn store(servers: &Servers, count: usize) -> JetStreamStore {
    let options = JetStreamOptions::new().with_replicas(count);
    for _ in 0..TRIES {
        if let Ok(store) = JetStreamStore::connect_with(&servers.url(), options.clone()).await {
            return store;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("the servers did not come up");
}
