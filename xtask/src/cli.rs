//! The table of commands, and what the person typed.

use std::fmt::Write as _;
use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::{check, examples, fix, interrupt, test};

/// A command takes no arguments yet, and says by its exit code whether all is well.
type Run = fn() -> Result<ExitCode>;

const COMMANDS: &[(&str, &str, Run)] = &[
    (
        "test",
        "provisions PostgreSQL where a test needs it, runs every test, cleans up",
        test::run,
    ),
    (
        "check",
        "fmt, clippy, docs, purity of core, features; changes nothing",
        check::run,
    ),
    ("fix", "mends what fmt and clippy can mend", fix::run),
    (
        "examples",
        "runs every example and compares its output with its README",
        examples::run,
    ),
    ("help", "prints this table", help),
];

/// Runs the command that `arguments` name; none means `help`.
pub(crate) fn run(arguments: impl Iterator<Item = String>) -> Result<ExitCode> {
    let command = parse(arguments)?;
    interrupt::listen()?;
    command()
}

fn parse(mut arguments: impl Iterator<Item = String>) -> Result<Run> {
    let name = match arguments.next().as_deref() {
        None | Some("-h" | "--help") => "help".to_owned(),
        Some(name) => name.to_owned(),
    };
    let Some((_, _, command)) = COMMANDS.iter().find(|(known, ..)| *known == name) else {
        bail!("there is no command `{name}`\n\n{}", table());
    };
    if let Some(extra) = arguments.next() {
        bail!("`cargo xtask {name}` takes no arguments, but got `{extra}`");
    }
    Ok(*command)
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

    fn parse_words(words: &[&str]) -> Result<Run> {
        parse(words.iter().map(|word| word.to_string()))
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
    }
}
