//! Connections that are kept aside between statements hinder nobody.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a panic fails the test, which spawns where it stands"
)]

mod server;

use std::time::Duration;

use asynx_core::store::{LogFilter, LogQuery, Transactions as _};
use asynx_core::{Store, Version};
use asynx_store_postgres::PostgresStore;
use server::{Schema, order, soon};

async fn read(store: &PostgresStore) {
    let query = LogQuery {
        after: None,
        filter: LogFilter::default(),
        max_events: 10,
        max_bytes: usize::MAX,
    };
    store.log().unwrap().read(&query).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_waits_for_a_connection_is_given_it() {
    let schema = Schema::new();
    let options = schema.options().with_readers(1);
    let store = schema
        .store_with(options.with_acquire_timeout(Duration::from_secs(10)))
        .await;
    let asked = (0..8).map(|asker| {
        let store = store.clone();
        tokio::spawn(async move {
            for _ in 0..50 {
                match asker % 4 {
                    0 => store.begin().await.unwrap().commit().await.unwrap(),
                    1 => drop(store.read_range(&order("a"), Version::FIRST, 10).await.unwrap()),
                    // Given up halfway, it is of no use to others until it is sound again.
                    2 => drop(tokio::time::timeout(Duration::ZERO, read(&store)).await),
                    _ => read(&store).await,
                }
            }
        })
    });
    soon(futures::future::try_join_all(asked)).await.unwrap();
}

#[test]
fn a_store_may_be_dropped_where_nothing_runs() {
    let schema = Schema::new();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let store = runtime.block_on(async {
        let store = schema.store().await;
        soon(read(&store)).await;
        store
    });
    drop(runtime);
    drop(store);
}
