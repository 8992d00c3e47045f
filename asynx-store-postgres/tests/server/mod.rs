//! The server that tests use.
#![allow(dead_code, unused_imports, reason = "each test file uses a part")]

mod cluster;
mod connect;
mod counters;
mod fixture;
mod hold;
mod made;
mod schema;

pub(crate) use cluster::{Cluster, program, run_program};
pub(crate) use connect::{TOKIO, blocked_by, connect, connect_to, run, url, url_of};
pub(crate) use counters::{Count, Counter, counters};
pub(crate) use fixture::Fixture;
pub(crate) use hold::{Holding, prepare};
pub(crate) use made::{Made, unique};
pub(crate) use schema::Schema;

use asynx_core::StreamId;

/// A stream of the category `order`.
pub(crate) fn order(id: impl AsRef<str>) -> StreamId {
    StreamId::parse("order", id.as_ref()).expect("a valid id")
}

/// Fails a test that hangs instead of letting it hang.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(std::time::Duration::from_secs(20), future)
        .await
        .expect("an answer within 20 s")
}
