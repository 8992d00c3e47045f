//! `cargo xtask soak`: many processes on one database, optimised.

use std::process::{Command, ExitCode};

use anyhow::{Result, bail};

use crate::postgres::{Programs, serve};
use crate::process;
use crate::workspace::cargo;

const PACKAGE: &str = "asynx-soak";

/// Passes its arguments on. Its last line is the program's.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let mut soak = program("soak", arguments);
    let cluster = serve(&Programs::provide()?, &mut soak)?;
    process::show(&soak);
    let status = process::stream(&mut soak, None, |line| print!("{line}"))?;
    if let Some(cluster) = cluster {
        cluster.stop()?;
    }
    match status.code() {
        Some(0) => Ok(ExitCode::SUCCESS),
        Some(_) => Ok(ExitCode::FAILURE),
        None => bail!("the program ended with {status}"),
    }
}

fn program(command: &str, arguments: &[String]) -> Command {
    let mut program = cargo();
    program.args(["run", "--quiet", "--release", "--package", PACKAGE, "--", command]);
    program.args(arguments);
    program
}
