//! The nats-server for tests: finds it, or fetches it into the target folder. Tests start and end servers themselves.

mod fetch;
mod program;

use std::process::Command;

use anyhow::Result;

/// The program that tests start. Set by a person: that one.
const PROGRAM: &str = "ASYNX_TEST_NATS_SERVER";

/// Sees that the tests find the program.
pub(crate) fn provide(tests: &mut Command) -> Result<()> {
    if std::env::var_os(PROGRAM).is_some_and(|program| !program.is_empty()) {
        println!("NATS: the program that {PROGRAM} names");
        return Ok(());
    }
    let found = match program::on_path() {
        Some(found) => found,
        None => fetch::fetched()?,
    };
    println!("NATS: {}", found.display());
    tests.env(PROGRAM, found);
    Ok(())
}
