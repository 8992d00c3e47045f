//! `docs/dependencies.md` says how many crates a user compiles, and it is so.

use std::collections::BTreeSet;

use anyhow::{Context as _, Result, bail};

use crate::process;
use crate::workspace::{cargo, root};

pub(super) const MEND: &str = "is each new crate worth its compile time? If so, correct docs/dependencies.md";

const DOCUMENT: &str = "docs/dependencies.md";
/// What is counted: a cell of the document's table, and the arguments of `cargo tree -p asynx`.
const COUNTED: [&[&str]; 6] = [
    &["--no-default-features"],
    &[],
    &["--features", "sqlite"],
    &["--features", "postgres"],
    &["--features", "jetstream"],
    &["--all-features"],
];

pub(super) fn check() -> Result<()> {
    let text = std::fs::read_to_string(root().join(DOCUMENT)).with_context(|| format!("failed to read {DOCUMENT}"))?;
    let mut wrong = Vec::new();
    for features in COUNTED {
        let row = row(features, count(&tree(features)?));
        if !text.contains(&row) {
            wrong.push(format!("{DOCUMENT} has no row `{row}`"));
        }
    }
    if !wrong.is_empty() {
        bail!("{}", wrong.join("\n"));
    }
    println!("{} counts are true", COUNTED.len());
    Ok(())
}

/// One package a line, some of them more than once. For one platform: others have other packages.
fn tree(features: &[&str]) -> Result<String> {
    let arguments = [
        "tree",
        "--package",
        "asynx",
        "--edges",
        "normal,build",
        "--prefix",
        "none",
    ];
    let platform = ["--target", "x86_64-unknown-linux-gnu", "--format", "{p}"];
    process::capture(cargo().args(arguments).args(platform).args(features))
}

/// How many crates are ours, and how many are of others.
fn count(tree: &str) -> (usize, usize) {
    let packages: BTreeSet<_> = tree
        .lines()
        .filter_map(|line| {
            let mut words = line.split_whitespace();
            Some((words.next()?, words.next()?))
        })
        .collect();
    let ours = packages
        .iter()
        .filter(|(name, _)| *name == "asynx" || name.starts_with("asynx-"))
        .count();
    (ours, packages.len() - ours)
}

fn row(features: &[&str], (ours, others): (usize, usize)) -> String {
    let features = if features.is_empty() {
        "the defaults".to_owned()
    } else {
        format!("`{}`", features.join(" "))
    };
    format!("| {features} | {ours} | {others} |")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_crate_is_counted_once() {
        let tree = "asynx v0.1.0 (/w/asynx)\nasynx-core v0.1.0 (/w/c)\nserde v1.0.0\nserde v1.0.0 (*)\nsyn v2.0.0 (proc-macro)\nsyn v3.0.0\n\n";
        assert_eq!(count(tree), (2, 3));
        assert_eq!(row(&[], (2, 3)), "| the defaults | 2 | 3 |");
        assert_eq!(row(&["--features", "x"], (2, 3)), "| `--features x` | 2 | 3 |");
    }
}
