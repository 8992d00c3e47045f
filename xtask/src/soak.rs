//! `cargo xtask soak` and `cargo xtask crash`: long proofs of the durable stores, optimised. Their last lines are the program's.

use std::process::{Command, ExitCode, ExitStatus};

use anyhow::{Result, bail};

use crate::nats;
use crate::postgres::{Cluster, Programs, serve, serve_anew};
use crate::process;
use crate::workspace::cargo;

const PACKAGE: &str = "asynx-soak";
/// What the program prints when it wants its server to be killed and started again.
const RESTART: &str = "please restart the server";

/// What the names of the stores on JetStream begin with, and the one of all.
const JETSTREAM: &str = "jetstream";
const ALL: &str = "all";

/// What is run instead of a soak: processes that fight for one aggregate, or projections in processes that die.
const OTHERS: [(&str, &str); 2] = [("--fight", "fight"), ("--projections", "projections")];

/// Many processes on one database.
pub(crate) fn soak(arguments: &[String]) -> Result<ExitCode> {
    let (command, arguments) = choose(arguments);
    let mut soak = program(command, &arguments);
    let cluster = match store(&arguments).unwrap_or("postgres") {
        jetstream if jetstream.starts_with(JETSTREAM) => {
            nats::provide(&mut soak)?;
            None
        }
        _ => serve(&Programs::provide()?, &mut soak)?,
    };
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
    let store = store(arguments).unwrap_or(ALL);
    let mut cluster: Option<Cluster> = None;
    if store == ALL || store.starts_with(JETSTREAM) {
        nats::provide(&mut crash)?;
    }
    if !store.starts_with(JETSTREAM) {
        cluster = Some(serve_anew(&Programs::provide()?, &mut crash)?);
    }
    process::show(&crash);
    let mut restarted = Ok(());
    let status = process::stream(&mut crash, None, |line| {
        if line.trim_end() != RESTART {
            print!("{line}");
        } else if let Some(cluster) = cluster.as_mut().filter(|_| restarted.is_ok()) {
            restarted = cluster.restart();
        }
    })?;
    restarted?;
    if let Some(cluster) = cluster {
        cluster.stop()?;
    }
    code(status)
}

/// The store that a person names.
fn store(arguments: &[String]) -> Option<&str> {
    let at = arguments.iter().position(|argument| argument == "--store")?;
    Some(arguments.get(at + 1)?)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_store_that_is_named_decides_which_servers_are_needed() {
        let words = |text: &str| text.split_whitespace().map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(store(&words("--seconds 5 --store jetstream-1")), Some("jetstream-1"));
        assert_eq!(store(&words("--seconds 5")), None);
        assert_eq!(store(&words("--store")), None);
    }
}
