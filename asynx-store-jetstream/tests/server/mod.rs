//! What the tests need of servers.
#![allow(dead_code, unused_imports, reason = "each test program uses a part")]

mod fixture;
mod servers;
mod writer;

use std::path::PathBuf;
use std::process::Command;
use std::sync::LazyLock;

pub(crate) use fixture::Fixture;
pub(crate) use servers::{Servers, store_at};
use tokio::runtime::Runtime;
pub(crate) use writer::Writer;

/// A server for the laws, such as `nats://127.0.0.1:4222`. Without it they start one.
const URL: &str = "ASYNX_TEST_NATS";
/// The program that tests start. Without it the `nats-server` on PATH.
const PROGRAM: &str = "ASYNX_TEST_NATS_SERVER";

/// Connections live as long as the runtime that they were made on, so all tests share one.
pub(crate) static TOKIO: LazyLock<Runtime> = LazyLock::new(|| Runtime::new().expect("tokio starts"));

/// The server that a person names.
pub(crate) fn named_url() -> Option<String> {
    std::env::var(URL).ok().filter(|url| !url.is_empty())
}

pub(crate) fn program() -> PathBuf {
    let named = std::env::var_os(PROGRAM).filter(|program| !program.is_empty());
    let program = named.map_or_else(|| PathBuf::from("nats-server"), PathBuf::from);
    let runs = Command::new(&program).arg("--version").output();
    assert!(
        runs.is_ok_and(|output| output.status.success()),
        "these tests start nats-server 2.12 or newer, and `{}` does not run: use `cargo xtask test`, which finds or \
         fetches it, or set {PROGRAM}",
        program.display()
    );
    program
}
