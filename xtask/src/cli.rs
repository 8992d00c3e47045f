//! The table of commands, and what the person typed.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::{bench, book, check, deny, examples, fix, interrupt, sim, soak, test};

/// A command says by its exit code whether all is well.
#[derive(Clone, Copy)]
enum Run {
    Plain(fn() -> Result<ExitCode>),
    WithArguments(fn(&[String]) -> Result<ExitCode>),
}

const COMMANDS: &[(&str, &str, Run)] = &[
    (
        "test",
        "provisions PostgreSQL and NATS where a test needs them, runs every test, cleans up",
        Run::Plain(test::run),
    ),
    (
        "check",
        "fmt, clippy, docs, purity of core, features; changes nothing",
        Run::Plain(check::run),
    ),
    ("fix", "mends what fmt and clippy can mend", Run::Plain(fix::run)),
    (
        "sim",
        "the simulator: --seeds N [--seed S] [--trace] [--sabotage NAME|all]; a failing seed replays",
        Run::WithArguments(sim::run),
    ),
    (
        "soak",
        "many processes on one database: [--fight|--projections] [--seconds N] [--store postgres|sqlite|jetstream] [--seed S] [--sabotage NAME]",
        Run::WithArguments(soak::soak),
    ),
    (
        "crash",
        "SIGKILL, broken connections, restarts of the server: [--rounds N] [--store postgres|sqlite|jetstream|all] [--seed S]",
        Run::WithArguments(soak::crash),
    ),
    (
        "bench",
        "asynx beside other libraries and raw limits: [--quick] [--json] [--only KEY] [--rounds N] [--save]",
        Run::WithArguments(bench::run),
    ),
    (
        "examples",
        "runs every example and compares its output with its README; web in a headless browser: [NAME..]",
        Run::WithArguments(examples::run),
    ),
    (
        "book",
        "renders the guide and the reference pages into target/book, by mdbook",
        Run::Plain(book::run),
    ),
    (
        "deny",
        "licences, bans and sources of all dependencies, and known holes in them, by cargo-deny",
        Run::Plain(deny::run),
    ),
    ("help", "prints this table", Run::Plain(help)),
];

/// Runs the command that `arguments` name; none means `help`.
pub(crate) fn run(arguments: impl Iterator<Item = String>) -> Result<ExitCode> {
    let (command, arguments) = parse(arguments)?;
    interrupt::listen()?;
    match command {
        Run::Plain(run) => run(),
        Run::WithArguments(run) => run(&arguments),
    }
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<(Run, Vec<String>)> {
    let name = match arguments.next().as_deref() {
        None | Some("-h" | "--help") => "help".to_owned(),
        Some(name) => name.to_owned(),
    };
    let Some((_, _, command)) = COMMANDS.iter().find(|(known, ..)| *known == name) else {
        bail!("there is no command `{name}`\n\n{}", table());
    };
    let arguments: Vec<String> = arguments.collect();
    if let (Run::Plain(_), Some(extra)) = (command, arguments.first()) {
        bail!("`cargo xtask {name}` takes no arguments, but got `{extra}`");
    }
    Ok((*command, arguments))
}

fn help() -> Result<ExitCode> {
    print!("{}", table());
    Ok(ExitCode::SUCCESS)
}

fn table() -> String {
    let mut table = "usage: cargo xtask <command>\n\n".to_owned();
    for (name, summary, _) in COMMANDS {
        let _ = writeln!(table, "  {name:<10}{summary}");
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse_words(words: &[&str]) -> Result<Vec<String>> {
        let (_, arguments) = parse(words.iter().map(|word| word.to_string()))?;
        Ok(arguments)
    }

    #[test]
    fn every_command_of_the_table_is_understood() {
        for (name, ..) in COMMANDS {
            assert!(parse_words(&[name]).is_ok(), "{name}");
            assert!(table().contains(&format!("\n  {name} ")), "{name}");
        }
        assert!(parse_words(&[]).is_ok());
        assert!(parse_words(&["--help"]).is_ok());
    }

    #[test]
    fn an_unknown_command_is_answered_with_the_table() {
        let error = parse_words(&["tset"]).unwrap_err().to_string();
        assert!(error.contains("no command `tset`"), "{error}");
        assert!(error.contains(&table()), "{error}");
    }

    #[test]
    fn arguments_are_not_swallowed() {
        let error = parse_words(&["test", "--quick"]).unwrap_err().to_string();
        assert!(error.contains("`--quick`"), "{error}");
        assert_eq!(parse_words(&["sim", "--seeds", "7"]).unwrap(), ["--seeds", "7"]);
    }
}
