//! Core never spawns, sleeps, reads a clock or names a runtime: looked for in its sources too, since std offers all of it.

use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::workspace::Workspace;

pub(super) const MEND: &str = "take it from asynx_core::Runtime instead";

const CORE: &str = "asynx-core";
/// What must not be in a line of code. Comments may speak of it.
const BANNED: &[&str] = &[
    "Instant::now",
    "SystemTime::now",
    "thread::spawn",
    "thread::sleep",
    "tokio::",
    "smol::",
    "async_std::",
];

pub(super) fn check(workspace: &Workspace) -> Result<()> {
    let folder = workspace
        .package(CORE)
        .with_context(|| format!("there is no crate {CORE}"))?
        .folder
        .join("src");
    let mut found = Vec::new();
    let files = walk(&folder, &mut found).with_context(|| format!("failed to read {}", folder.display()))?;
    if files == 0 {
        bail!("{} holds no sources, so this proves nothing", folder.display());
    }
    if !found.is_empty() {
        bail!("{}", found.join("\n"));
    }
    println!("{files} files, none of {}", BANNED.join(", "));
    Ok(())
}

/// Adds what is wrong below `folder` to `found` and returns how many files it read.
fn walk(folder: &Path, found: &mut Vec<String>) -> Result<usize> {
    let mut files = 0;
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            files += walk(&path, found)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files += 1;
            let text = std::fs::read_to_string(&path)?;
            found.extend(
                violations(&text)
                    .iter()
                    .map(|(line, banned)| format!("{}:{line}: {banned}", path.display())),
            );
        }
    }
    Ok(files)
}

/// Line numbers, from 1, and what is banned there.
fn violations(text: &str) -> Vec<(usize, &'static str)> {
    let code = text.lines().map(|line| line.split("//").next().unwrap_or_default());
    code.zip(1..)
        .flat_map(|(code, number)| {
            BANNED
                .iter()
                .filter(move |banned| code.contains(**banned))
                .map(move |banned| (number, *banned))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_is_searched_and_comments_are_not() {
        let text = "//! Never calls `tokio::spawn`.\nuse std::time::Instant;\n\nfn f() {\n    let now = std::time::Instant::now(); // Instant::now\n    std::thread::spawn(|| tokio::run());\n}\n";
        assert_eq!(
            violations(text),
            [(5, "Instant::now"), (6, "thread::spawn"), (6, "tokio::")]
        );
    }

    #[test]
    fn all_files_below_are_read() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut found = Vec::new();
        assert!(walk(&source, &mut found).unwrap() > 15);
        assert!(found.iter().any(|line| line.contains("stopwatch.rs")), "{found:?}");
        assert!(found.iter().any(|line| line.contains("check/sources.rs")), "{found:?}");
    }
}
