use std::path::PathBuf;
use std::process::Command;

/// A server for the laws, such as `nats://127.0.0.1:4222`. Without it they start one.
const URL: &str = "ASYNX_TEST_NATS";
/// The program that tests start. Without it the `nats-server` on PATH.
const PROGRAM: &str = "ASYNX_TEST_NATS_SERVER";

/// The server that a person names.
#[must_use]
pub fn named_url() -> Option<String> {
    std::env::var(URL).ok().filter(|url| !url.is_empty())
}

/// The program to start.
///
/// # Panics
/// Where it does not run; the message says what to do.
#[must_use]
pub fn program() -> PathBuf {
    let named = std::env::var_os(PROGRAM).filter(|program| !program.is_empty());
    let program = named.map_or_else(|| PathBuf::from("nats-server"), PathBuf::from);
    let runs = Command::new(&program).arg("--version").output();
    assert!(
        runs.is_ok_and(|output| output.status.success()),
        "this starts nats-server 2.12 or newer, and `{}` does not run: use `cargo xtask test` or `cargo xtask examples`, \
         which find or fetch it, or set {PROGRAM}",
        program.display()
    );
    program
}
