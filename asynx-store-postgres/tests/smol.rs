//! The store runs on smol.
#![cfg(feature = "smol")]

mod server;

use std::sync::Arc;
use std::time::Duration;

use asynx_core::store::{LogFilter, LogQuery};
use asynx_core::{Category, Store, Version};
use asynx_runtime::SmolRuntime;
use asynx_store_postgres::PostgresStore;
use asynx_testkit::samples;
use futures::future::{Either, select};
use server::{Schema, order, url};

async fn soon<T>(future: impl Future<Output = T>) -> T {
    let late = smol::Timer::after(Duration::from_secs(20));
    match select(Box::pin(future), late).await {
        Either::Left((done, _)) => done,
        Either::Right(_) => panic!("no answer within 20 s"),
    }
}

#[test]
fn everything_runs_on_smol() {
    let schema = Schema::new();
    smol::block_on(async {
        let options = schema.options().with_runtime(Arc::new(SmolRuntime::new()));
        let store = soon(PostgresStore::connect_with(&url(), options)).await.unwrap();
        let log = store.log().unwrap();
        let query = LogQuery {
            after: None,
            filter: LogFilter::default(),
            max_events: 100,
            max_bytes: usize::MAX,
        };
        let mut after = soon(log.read(&query)).await.unwrap().next;
        let category = Category::parse("order").unwrap();
        let lease = soon(store.sole_writer().unwrap().acquire(&category))
            .await
            .unwrap()
            .unwrap();
        for version in 1..=5 {
            let changed = log.changed(after);
            let groups = [
                samples::group(&order("a"), version, 1),
                samples::group(&order("b"), 1, 1),
            ];
            let outcomes = soon(store.append_batch(&groups)).await;
            assert!(outcomes[0].stopped.is_none(), "{outcomes:?}");
            assert_eq!(outcomes[1].stopped.is_none(), version == 1, "{outcomes:?}");
            soon(changed).await;
            after = soon(log.read(&query)).await.unwrap().next;
        }
        // Longer than the lease: it is renewed.
        smol::Timer::after(Duration::from_secs(3)).await;
        assert!(lease.is_held());
        assert_eq!(soon(store.count(&order("a"), Version::FIRST)).await.unwrap(), 5);
        drop(lease);
        soon(store.close()).await;
    });
}
