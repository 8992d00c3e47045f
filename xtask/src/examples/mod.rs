//! `cargo xtask examples`: every example prints what its README says it prints.

mod diff;
mod readme;

use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use crate::stopwatch::Stopwatch;
use crate::workspace::{Workspace, cargo};
use crate::{interrupt, process};

const PACKAGE: &str = "asynx-examples";
/// Somebody reads along with an example; one that takes longer hangs.
const LIMIT: Duration = Duration::from_secs(120);

pub(crate) fn run() -> Result<ExitCode> {
    let watch = Stopwatch::start();
    let workspace = Workspace::load()?;
    let package = workspace
        .package(PACKAGE)
        .with_context(|| format!("there is no package {PACKAGE}"))?;
    if package.examples.is_empty() {
        bail!("the package {PACKAGE} has no examples");
    }
    let built = process::run(cargo().args(["build", "--quiet", "--package", PACKAGE, "--examples"]))?;
    if !built.success() {
        bail!("the examples do not build");
    }

    let mut failed = 0;
    for name in &package.examples {
        match compare(&package.folder, name) {
            Ok(()) => println!("{name}: as its README says"),
            Err(error) => {
                failed += 1;
                println!("{name}: {error:#}");
            }
        }
        interrupt::check()?;
    }
    println!("examples: {} ran, {failed} failed in {watch}", package.examples.len());
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn compare(folder: &Path, name: &str) -> Result<()> {
    let path = folder.join(name).join("README.md");
    let text = std::fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
    let expected = readme::output(&text).with_context(|| path.display().to_string())?;

    let mut printed = String::new();
    let mut example = cargo();
    example.args(["run", "--quiet", "--package", PACKAGE, "--example", name]);
    let status = process::stream(&mut example, Some(LIMIT), |line| printed.push_str(line))?;
    if !status.success() {
        bail!("it ended with {status}; it printed\n{printed}");
    }
    same(&path, &expected, &printed)?;
    // The README of the whole project may show it as well.
    let path = folder.with_file_name("README.md");
    let text = std::fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
    match readme::output_of(name, &text).with_context(|| path.display().to_string())? {
        Some(expected) => same(&path, &expected, &printed),
        None => Ok(()),
    }
}

fn same(path: &Path, expected: &str, printed: &str) -> Result<()> {
    match diff::between(expected, printed) {
        None => Ok(()),
        Some(diff) => bail!(
            "it prints something else than {} (- README, + printed):\n{diff}",
            path.display()
        ),
    }
}
