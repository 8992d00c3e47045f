//! The programs of the workspace `asynx-bench`, and of the one within it that has the other libraries.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use super::figures::Figure;
use crate::process;
use crate::workspace::{cargo, root};

/// Where to build, by default `asynx-bench/target`.
const TARGET: &str = "ASYNX_BENCH_TARGET_DIR";
/// The programs of the outer workspace; the first makes the databases.
const OURS: [&str; 2] = ["bench-asynx", "bench-asynx-allocations"];

/// They are built.
pub(super) struct Programs {
    folder: PathBuf,
}

impl Programs {
    /// Builds what the figures need, with optimisation, and says so on stderr.
    pub(super) fn build(figures: &[Figure]) -> Result<Self> {
        let target = std::env::var_os(TARGET).map_or_else(|| folder().join("target"), PathBuf::from);
        // Ours also makes the databases.
        build(&folder(), &target)?;
        let mut sources = figures.iter().flat_map(|figure| figure.formula.sources());
        // All or none: with other packages beside it, a program could have other features of what they share.
        if sources.any(|source| !OURS.contains(&source.measurement.program)) {
            build(&folder().join("peers"), &target)?;
        }
        Ok(Self {
            folder: target.join("release"),
        })
    }

    /// The program that serves a measurement, its figures to be written to `out`.
    pub(super) fn command(&self, program: &str, out: &Path) -> Command {
        let mut command = Command::new(self.folder.join(program));
        command.env("ASYNX_BENCH_OUT", out);
        command
    }

    /// Makes an empty database and returns the version of the server.
    pub(super) fn create_database(&self, server: &str, name: &str) -> Result<String> {
        let mut command = Command::new(self.folder.join(OURS[0]));
        command
            .args(["create-database", &format!("name={name}")])
            .env("ASYNX_BENCH_DATABASE", server);
        Ok(process::capture(&mut command)?.trim().to_owned())
    }

    pub(super) fn remove_database(&self, server: &str, name: &str) -> Result<()> {
        let mut command = Command::new(self.folder.join(OURS[0]));
        command
            .args(["remove-database", &format!("name={name}")])
            .env("ASYNX_BENCH_DATABASE", server);
        process::capture(&mut command).map(drop)
    }
}

pub(super) fn folder() -> PathBuf {
    root().join("asynx-bench")
}

fn build(workspace: &Path, target: &Path) -> Result<()> {
    let mut build = cargo();
    build
        .args(["build", "--release", "--locked", "--manifest-path"])
        .arg(workspace.join("Cargo.toml"));
    build.arg("--target-dir").arg(target);
    eprintln!("bench: building {} in {}", workspace.display(), target.display());
    // Cargo tells what it runs about itself, and some build scripts would run again for it.
    for (name, _) in std::env::vars_os() {
        if ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_"]
            .iter()
            .any(|ours| name.to_string_lossy().starts_with(ours))
        {
            build.env_remove(name);
        }
    }
    // Cargo shows its progress on stderr.
    let status = process::run_silently(build.stdout(Stdio::null()), LONGEST_BUILD).context("failed to build")?;
    if !status.success() {
        bail!("cargo build of {} ended with {status}", workspace.display());
    }
    Ok(())
}

const LONGEST_BUILD: std::time::Duration = std::time::Duration::from_secs(60 * 60);
