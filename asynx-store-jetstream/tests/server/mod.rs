//! What the tests need of servers: the one that `ASYNX_TEST_NATS` names, and servers of their own.
#![allow(dead_code, reason = "each test program uses a part")]

mod fixture;

use std::sync::LazyLock;

pub(crate) use fixture::Fixture;
use tokio::runtime::Runtime;

/// Where the shared server is, for instance `nats://127.0.0.1:4222`.
pub(crate) const URL: &str = "ASYNX_TEST_NATS";

/// Connections live as long as the runtime that they were made on, so all tests share one.
pub(crate) static TOKIO: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("tokio starts"));

/// The server that all tests share.
pub(crate) fn url() -> String {
    match std::env::var(URL) {
        Ok(url) if !url.is_empty() => url,
        _ => panic!(
            "{URL} names no server: run the tests by `cargo xtask test`, or set it to a nats-server 2.12 or newer with JetStream"
        ),
    }
}
