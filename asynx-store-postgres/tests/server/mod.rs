//! The server that tests use.
#![allow(dead_code, unused_imports, reason = "each test file uses a part")]

mod cluster;
mod connect;
mod counters;
mod fixture;
mod hold;
pub(crate) mod lose_leases;
mod made;
mod mirror;
mod schema;

pub(crate) use cluster::{Cluster, program, run_program};
pub(crate) use connect::{TOKIO, blocked_by, connect, connect_to, run, url, url_of};
pub(crate) use counters::{Count, Counter, counters};
pub(crate) use fixture::Fixture;
pub(crate) use hold::{Holding, prepare};
pub(crate) use made::{Made, clean_up, unique};
pub(crate) use mirror::Mirror;
pub(crate) use schema::Schema;

use asynx_core::store::{LogEvent, LogFilter, LogQuery};
use asynx_core::{Store as _, StreamId};
use asynx_store_postgres::PostgresStore;
use tokio::time::{Duration, sleep, timeout};

/// A stream of the category `order`.
pub(crate) fn order(id: impl AsRef<str>) -> StreamId {
    StreamId::parse("order", id.as_ref()).expect("a valid id")
}

/// Fails a test that hangs instead of letting it hang.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    timeout(Duration::from_secs(20), future)
        .await
        .expect("an answer within 20 s")
}

/// The log from its beginning, once it has so many events: what others do on the server may hold it back for a moment.
pub(crate) async fn log_of(store: &PostgresStore, filter: LogFilter, at_least: usize) -> Vec<LogEvent> {
    soon(async {
        loop {
            let events = log_now(store, filter.clone()).await;
            if events.len() >= at_least {
                return events;
            }
            sleep(Duration::from_millis(5)).await;
        }
    })
    .await
}

/// The log from its beginning to its end.
pub(crate) async fn log_now(store: &PostgresStore, filter: LogFilter) -> Vec<LogEvent> {
    let mut events = Vec::new();
    let mut query = LogQuery {
        after: None,
        filter,
        max_events: 1000,
        max_bytes: usize::MAX,
    };
    loop {
        let log = store.log().expect("the store has a log");
        let page = log.read(&query).await.expect("the log is read");
        events.extend(page.events);
        query.after = page.next;
        if page.at_end {
            return events;
        }
    }
}
