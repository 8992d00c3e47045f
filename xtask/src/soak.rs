//! `cargo xtask soak` and `cargo xtask crash`: long proofs of the durable stores, optimised. Their last lines are the program's.

use std::process::{Command, ExitCode, ExitStatus};

use anyhow::{Result, bail};

use crate::postgres::{Programs, serve, serve_anew};
use crate::process;
use crate::workspace::cargo;

const PACKAGE: &str = "asynx-soak";
/// What the program prints when it wants its server to be killed and started again.
const RESTART: &str = "please restart the server";

/// What is run instead of a soak: processes that fight for one aggregate, or projections in processes that die.
const OTHERS: [(&str, &str); 2] = [("--fight", "fight"), ("--projections", "projections")];

/// Many processes on one database.
pub(crate) fn soak(arguments: &[String]) -> Result<ExitCode> {
    let (command, arguments) = choose(arguments);
    let mut soak = program(command, &arguments);
    let cluster = serve(&Programs::provide()?, &mut soak)?;
    process::show(&soak);
    let status = process::stream(&mut soak, None, |line| print!("{line}"))?;
    if let Some(cluster) = cluster {
        cluster.stop()?;
    }
    code(status)
}

/// What is to be run, and with what.
fn choose(arguments: &[String]) -> (&'static str, Vec<String>) {
    let mut arguments = arguments.to_vec();
    for (word, command) in OTHERS {
        if let Some(at) = arguments.iter().position(|argument| argument == word) {
            arguments.remove(at);
            return (command, arguments);
        }
    }
    ("soak", arguments)
}

/// Crashes under load, of processes, connections and of a server of our own.
pub(crate) fn crash(arguments: &[String]) -> Result<ExitCode> {
    let mut crash = program("crash", arguments);
    let mut cluster = serve_anew(&Programs::provide()?, &mut crash)?;
    process::show(&crash);
    let mut restarted = Ok(());
    let status = process::stream(&mut crash, None, |line| {
        if line.trim_end() != RESTART {
            print!("{line}");
        } else if restarted.is_ok() {
            restarted = cluster.restart();
        }
    })?;
    restarted?;
    cluster.stop()?;
    code(status)
}

fn program(command: &str, arguments: &[String]) -> Command {
    let mut program = cargo();
    program.args(["run", "--quiet", "--release", "--package", PACKAGE]);
    if arguments.iter().any(|argument| argument == "--sabotage") {
        // Some of the deliberate bugs are in asynx itself, and compiled in only where they are asked for.
        program.args(["--features", "sabotage"]);
    }
    program.args(["--", command]).args(arguments);
    program
}

fn code(status: ExitStatus) -> Result<ExitCode> {
    match status.code() {
        Some(0) => Ok(ExitCode::SUCCESS),
        Some(_) => Ok(ExitCode::FAILURE),
        None => bail!("the program ended with {status}"),
    }
}
