//! `cargo xtask check`: everything that can be said of the sources without running them. Changes nothing.

mod docs;
mod features;
mod guide;
mod layers;
mod links;
mod packages;
mod purity;
mod report;
mod sources;
mod toolchain;
mod tree;

use std::process::{Command, ExitCode};

use anyhow::{Result, bail};

use self::report::Report;
use crate::process;
use crate::workspace::{self, Workspace, cargo};

const BY_FIX: &str = "run `cargo xtask fix`, then mend by hand what it leaves";
const BY_HAND: &str = "mend the sources that are named above";

pub(crate) fn run() -> Result<ExitCode> {
    let workspace = Workspace::load()?;
    let mut report = Report::start();

    report.step("fmt", BY_FIX, || succeed(cargo().args(["fmt", "--all", "--check"])))?;
    report.step("clippy", BY_FIX, || {
        succeed(cargo().args([
            "clippy",
            "--workspace",
            "--all-targets",
            "--all-features",
            "--",
            "-D",
            "warnings",
        ]))
    })?;
    report.step("docs", BY_HAND, || {
        succeed(
            cargo()
                .args(["doc", "--workspace", "--no-deps", "--all-features"])
                .env("RUSTDOCFLAGS", "-D warnings"),
        )
    })?;
    report.step("purity of core", purity::MEND, purity::check)?;
    report.step("smol without tokio", BY_HAND, purity::check_smol)?;
    report.step("sources of core", sources::MEND, || sources::check(&workspace))?;
    report.step("layers", layers::MEND, || layers::check(&workspace))?;
    report.step("tests that the documents name", docs::MEND, || {
        docs::check(&workspace::root())
    })?;
    report.step("the guide", guide::MEND, || guide::check(&workspace::root()))?;
    report.step("links", links::MEND, || links::check(&workspace::root()))?;
    report.step("number of dependencies", tree::MEND, tree::check)?;
    report.step("packages", packages::MEND, || packages::check(&workspace))?;
    report.step("the oldest Rust", toolchain::MEND, || toolchain::check(&workspace))?;
    for (title, arguments) in features::combinations(&workspace) {
        report.step(&title, features::MEND, || succeed(cargo().args(&arguments)))?;
    }
    Ok(report.end())
}

fn succeed(command: &mut Command) -> Result<()> {
    let status = process::run(command)?;
    if !status.success() {
        bail!("it ended with {status}");
    }
    Ok(())
}
