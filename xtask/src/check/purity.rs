//! Core names no runtime, no driver, and no source of time or chance: whoever implements a store compiles none of them.

use anyhow::{Result, bail};

use crate::process;
use crate::workspace::cargo;

pub(super) const MEND: &str = "take the dependency, or the feature that brings it, out of asynx-core";

const CORE: &str = "asynx-core";
/// What must not be in the graph of core, and why.
const BANNED: &[(&str, &str)] = &[
    ("async-executor", "an executor: the user chooses the runtime"),
    ("async-global-executor", "an executor: the user chooses the runtime"),
    ("async-io", "a reactor: the user chooses the runtime"),
    ("async-std", "a runtime: the user chooses it"),
    ("futures-executor", "an executor: the user chooses the runtime"),
    ("mio", "a reactor: the user chooses the runtime"),
    ("polling", "a reactor: the user chooses the runtime"),
    ("smol", "a runtime: the user chooses it"),
    ("tokio", "a runtime: the user chooses it"),
    ("async-nats", "a driver: it belongs into a store or a bus"),
    ("libsqlite3-sys", "a driver: it belongs into a store"),
    ("postgres", "a driver: it belongs into a store"),
    ("rusqlite", "a driver: it belongs into a store"),
    ("sqlx", "a driver: it belongs into a store"),
    ("sqlx-core", "a driver: it belongs into a store"),
    ("tokio-postgres", "a driver: it belongs into a store"),
    (
        "fastrand",
        "chance comes from the Runtime, or a simulation would not replay",
    ),
    (
        "getrandom",
        "chance comes from the Runtime, or a simulation would not replay",
    ),
    (
        "rand",
        "chance comes from the Runtime, or a simulation would not replay",
    ),
    (
        "chrono",
        "a clock: time comes from the Runtime, or a simulation would not replay",
    ),
    (
        "time",
        "a clock: time comes from the Runtime, or a simulation would not replay",
    ),
    (
        "web-time",
        "a clock: time comes from the Runtime, or a simulation would not replay",
    ),
];

pub(super) fn check() -> Result<()> {
    let arguments = [
        "tree",
        "-p",
        CORE,
        "-e",
        "normal,build",
        "--all-features",
        "--target",
        "all",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ];
    let mut command = cargo();
    process::show(command.args(arguments));
    let found = impurities(&process::capture(&mut command)?)?;
    if !found.is_empty() {
        let found: Vec<_> = found
            .iter()
            .map(|(name, why)| format!("{CORE} depends on {name}, {why}\n"))
            .collect();
        bail!(
            "{}`cargo tree -p {CORE} -e normal,build --target all -i NAME` shows by what way",
            found.concat()
        );
    }
    Ok(())
}

/// Shows that asynx can do without tokio.
const ON_SMOL: &str = "asynx-example-smol";

/// The example on smol compiles no tokio.
pub(super) fn check_smol() -> Result<()> {
    let mut command = cargo();
    command.args([
        "tree",
        "-p",
        ON_SMOL,
        "-e",
        "normal,build",
        "--prefix",
        "none",
        "--format",
        "{p}",
    ]);
    process::show(&command);
    let tree = process::capture(&mut command)?;
    if !tree.contains("smol v") {
        bail!("the tree of {ON_SMOL} has no smol, so it proves nothing");
    }
    if tree.lines().any(|line| line.starts_with("tokio ")) {
        bail!("{ON_SMOL} depends on tokio: `cargo tree -p {ON_SMOL} -e normal,build -i tokio` shows by what way");
    }
    Ok(())
}

/// The banned packages of a `cargo tree`, one package a line.
fn impurities(tree: &str) -> Result<Vec<(&'static str, &'static str)>> {
    let names: Vec<_> = tree.lines().filter_map(|line| line.split_whitespace().next()).collect();
    if names.first() != Some(&CORE) {
        bail!("`cargo tree` does not begin with {CORE}, so it proves nothing");
    }
    Ok(BANNED
        .iter()
        .filter(|(banned, _)| names.contains(banned))
        .copied()
        .collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn banned_packages_are_found_by_their_whole_name() {
        let tree = "asynx-core v0.1.0 (/w/asynx-core)\nsmol v2.0.2\ntokio-stream v0.1.1\nmio v1.0.0 (*)\nsmol_str v0.3.0\n\nmio v1.0.0\n";
        let names: Vec<_> = impurities(tree).unwrap().iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["mio", "smol"]);
    }

    #[test]
    fn a_pure_tree_has_none() {
        assert_eq!(
            impurities("asynx-core v0.1.0 (/w/asynx-core)\nserde v1.0.0\nsyn v2.0.0 (proc-macro)\n").unwrap(),
            []
        );
    }

    #[test]
    fn a_tree_of_something_else_proves_nothing() {
        assert!(impurities("").is_err());
        assert!(impurities("serde v1.0.0\n").is_err());
    }
}
