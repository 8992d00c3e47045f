//! `cargo xtask sim`: many seeds of the simulator, optimised.

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::process;
use crate::stopwatch::Stopwatch;
use crate::workspace::cargo;

const PACKAGE: &str = "asynx-sim";

/// Passes its arguments on; the deliberate bugs are compiled in only where one is asked for.
pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let watch = Stopwatch::start();
    let mut sim = cargo();
    sim.args(["run", "--quiet", "--release", "--package", PACKAGE]);
    if arguments.iter().any(|argument| argument == "--sabotage") {
        sim.args(["--features", "sabotage"]);
    }
    sim.arg("--").args(arguments);
    process::show(&sim);
    let status = process::stream(&mut sim, None, |line| print!("{line}"))?;
    println!("sim: ran for {watch}");
    match status.code() {
        Some(0) => Ok(ExitCode::SUCCESS),
        Some(_) => Ok(ExitCode::FAILURE),
        None => bail!("the simulator ended with {status}"),
    }
}
