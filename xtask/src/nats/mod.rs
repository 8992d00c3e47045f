//! The nats-server for tests: finds it, or fetches it into the target folder. Tests start and end servers themselves.

mod fetch;
mod program;

use std::path::PathBuf;
use std::process::Command;

use anyhow::Result;

/// The program that tests start. Set by a person: that one.
pub(crate) const PROGRAM: &str = "ASYNX_TEST_NATS_SERVER";

/// Sees that the tests find the program.
pub(crate) fn provide(tests: &mut Command) -> Result<()> {
    match named() {
        Some(_) => println!("NATS: the program that {PROGRAM} names"),
        None => {
            let found = find()?;
            println!("NATS: {}", found.display());
            tests.env(PROGRAM, found);
        }
    }
    Ok(())
}

/// The program that a person names, or else the one on PATH, or else the one that is fetched.
pub(crate) fn find() -> Result<PathBuf> {
    match named().or_else(program::on_path) {
        Some(found) => Ok(found),
        None => fetch::fetched(),
    }
}

fn named() -> Option<PathBuf> {
    let named = std::env::var_os(PROGRAM).filter(|program| !program.is_empty())?;
    Some(named.into())
}
