//! What is kept of a run: every value of every round, the machine, the versions.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use serde_json::{Map, Value, json};

use super::figures::Figure;
use super::options::Options;
use super::programs::folder;
use super::samples::Samples;
use super::table;
use crate::process;
use crate::workspace::root;

/// Those whose versions explain a figure.
const PACKAGES: [&str; 13] = [
    "async-nats",
    "cqrs-es",
    "postgres-es",
    "disintegrate",
    "disintegrate-postgres",
    "eventcore",
    "eventcore-memory",
    "eventcore-postgres",
    "evento",
    "tephra",
    "sqlx",
    "libsqlite3-sys",
    "tokio",
];

/// Writes `asynx-bench/results/DATE-COMMIT.json` and `.txt`, and returns the first.
pub(super) fn save(figures: &[Figure], samples: &Samples, server: &str, options: &Options) -> Result<PathBuf> {
    let date = said("date", &["-u", "+%Y-%m-%dT%H:%M:%SZ"]);
    let commit = said("git", &["describe", "--always", "--dirty"]);
    let machine = json!({
        "cpu": line_of("/proc/cpuinfo", "model name"),
        "cores": std::thread::available_parallelism().map_or(0, usize::from),
        "memory": line_of("/proc/meminfo", "MemTotal"),
        "system": said("uname", &["-srm"]),
        "rustc": said("rustc", &["--version"]),
        "postgres": server,
    });
    let raw: Vec<Value> = samples
        .all()
        .map(|(measurement, figure, rounds)| json!({ "run": measurement.name(), "figure": figure, "rounds": rounds }))
        .collect();
    let kept = json!({
        "date": date,
        "commit": commit,
        "quick": options.quick,
        "machine": machine,
        "versions": { "asynx-bench": versions(&folder())?, "peers": versions(&folder().join("peers"))? },
        "figures": table::json(figures, samples),
        "raw": raw,
    });
    let results = folder().join("results");
    fs::create_dir_all(&results).with_context(|| format!("failed to make {}", results.display()))?;
    let day = date.split('T').next().unwrap_or_default();
    let file = results.join(format!("{day}-{commit}.json"));
    let text = file.with_extension("txt");
    let table = format!(
        "{}\n{}",
        table::text(figures, samples),
        table::summary(figures, samples)
    );
    for (path, content) in [(&file, serde_json::to_string_pretty(&kept)?), (&text, table)] {
        fs::write(path, content + "\n").with_context(|| format!("failed to write {}", path.display()))?;
    }
    Ok(file)
}

/// What a program says of the machine; where it is missing, nothing.
fn said(program: &str, arguments: &[&str]) -> String {
    let mut command = Command::new(program);
    command.args(arguments).current_dir(root());
    process::capture(&mut command)
        .map(|said| said.trim().to_owned())
        .unwrap_or_default()
}

fn line_of(file: &str, key: &str) -> String {
    let text = fs::read_to_string(file).unwrap_or_default();
    let line = text
        .lines()
        .find_map(|line| line.strip_prefix(key)?.trim_start().strip_prefix(':'));
    line.unwrap_or_default().trim().to_owned()
}

/// The versions in a lock file of the packages that matter.
fn versions(workspace: &Path) -> Result<Map<String, Value>> {
    let lock = workspace.join("Cargo.lock");
    let text = fs::read_to_string(&lock).with_context(|| format!("failed to read {}", lock.display()))?;
    Ok(in_lock_file(&text))
}

fn in_lock_file(text: &str) -> Map<String, Value> {
    let mut versions = Map::new();
    let mut name = "";
    for line in text.lines() {
        if let Some(found) = value(line, "name") {
            name = found;
        } else if let Some(version) = value(line, "version")
            && PACKAGES.contains(&name)
        {
            // Two versions of one package may be there.
            let known = versions
                .get(name)
                .and_then(Value::as_str)
                .map(|known| format!("{known}, "));
            versions.insert(
                name.to_owned(),
                format!("{}{version}", known.unwrap_or_default()).into(),
            );
        }
    }
    versions
}

fn value<'a>(line: &'a str, key: &str) -> Option<&'a str> {
    line.strip_prefix(key)?.strip_prefix(" = \"")?.strip_suffix('"')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_from_a_lock_file() {
        let lock = "version = 4\n\n[[package]]\nname = \"sqlx\"\nversion = \"0.8.6\"\n\n[[package]]\nname = \"abc\"\n\
                    version = \"1.0.0\"\n\n[[package]]\nname = \"sqlx\"\nversion = \"0.9.0\"\n";
        let versions = in_lock_file(lock);
        assert_eq!(versions.len(), 1);
        assert_eq!(versions["sqlx"], "0.8.6, 0.9.0");
    }
}
