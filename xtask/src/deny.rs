//! `cargo xtask deny`: licences, bans and sources of all dependencies, and known holes in them where their list can be had.

use std::path::Path;
use std::process::{Command, ExitCode};

use anyhow::{Result, bail};

use crate::process;
use crate::stopwatch::Stopwatch;
use crate::tools::Tool;
use crate::workspace::root;

const CARGO_DENY: Tool = Tool {
    name: "cargo-deny",
    version: "0.20.2",
    arguments: &[],
};

pub(crate) fn run() -> Result<ExitCode> {
    let watch = Stopwatch::start();
    let program = CARGO_DENY.provide()?;
    let checks = ["check", "--hide-inclusion-graph", "licenses", "bans", "sources"];
    if !process::run(deny(&program).args(checks))?.success() {
        bail!("deny.toml says what may be depended on; see above");
    }
    if !process::run(deny(&program).args(["fetch", "db"]))?.success() {
        println!("the list of known holes is in a repository on github.com, which cannot be reached from here");
        println!("deny: licences, bans and sources are fine; advisories were NOT looked at; {watch}");
        return Ok(ExitCode::SUCCESS);
    }
    if !process::run(deny(&program).args(["check", "--hide-inclusion-graph", "advisories"]))?.success() {
        bail!("a dependency has a known hole; see above");
    }
    println!("deny: licences, bans, sources and advisories are fine in {watch}");
    Ok(ExitCode::SUCCESS)
}

fn deny(program: &Path) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}
