//! The programs of the workspace `asynx-bench`, and of the one within it that has the other libraries.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use super::figures::Figure;
use crate::process;
use crate::workspace::{cargo, root};

/// Where to build, by default `asynx-bench/target`.
const TARGET: &str = "ASYNX_BENCH_TARGET_DIR";
const OURS: &str = "bench-asynx";
/// A second program of the same package.
const ALLOCATIONS: &str = "bench-asynx-allocations";

/// They are built.
pub(super) struct Programs {
    folder: PathBuf,
}

impl Programs {
    /// Builds what the figures need, with optimisation, and says so on stderr.
    pub(super) fn build(figures: &[Figure]) -> Result<Self> {
        let target = std::env::var_os(TARGET).map_or_else(|| folder().join("target"), PathBuf::from);
        let sources = figures.iter().flat_map(|figure| figure.formula.sources());
        let packages = sources.map(|source| match source.measurement.program {
            ALLOCATIONS => OURS,
            program => program,
        });
        // Ours also makes the databases.
        let packages: BTreeSet<&str> = packages.chain([OURS]).collect();
        let (ours, peers): (Vec<&str>, Vec<&str>) = packages.into_iter().partition(|package| *package == OURS);
        build(&folder(), &target, &ours)?;
        if !peers.is_empty() {
            build(&folder().join("peers"), &target, &peers)?;
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
        let mut command = Command::new(self.folder.join(OURS));
        command
            .args(["create-database", &format!("name={name}")])
            .env("ASYNX_BENCH_DATABASE", server);
        Ok(process::capture(&mut command)?.trim().to_owned())
    }

    pub(super) fn remove_database(&self, server: &str, name: &str) -> Result<()> {
        let mut command = Command::new(self.folder.join(OURS));
        command
            .args(["remove-database", &format!("name={name}")])
            .env("ASYNX_BENCH_DATABASE", server);
        process::capture(&mut command).map(drop)
    }
}

pub(super) fn folder() -> PathBuf {
    root().join("asynx-bench")
}

fn build(workspace: &Path, target: &Path, packages: &[&str]) -> Result<()> {
    let mut build = cargo();
    build
        .args(["build", "--release", "--locked", "--manifest-path"])
        .arg(workspace.join("Cargo.toml"));
    build.arg("--target-dir").arg(target);
    for package in packages {
        build.args(["--package", package]);
    }
    eprintln!("bench: building {} in {}", packages.join(", "), target.display());
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
