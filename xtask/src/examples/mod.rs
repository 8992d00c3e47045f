//! `cargo xtask examples`: every example prints what its README says it prints.

mod diff;
mod readme;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::atomic::{AtomicU32, Ordering};
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
    let text = fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
    let expected = readme::output(&text).with_context(|| path.display().to_string())?;

    let place = Place::new()?;
    let printed = place.run(folder, name)?;
    same(&path, &expected, &printed)?;
    // One that keeps its data shows what a second run finds.
    let again = readme::output_of(&format!("{name} again"), &text).with_context(|| path.display().to_string())?;
    if let Some(expected) = again {
        same(&path, &expected, &place.run(folder, name)?)?;
    }
    // The README of the whole project may show it as well.
    let path = folder.with_file_name("README.md");
    let text = fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
    match readme::output_of(name, &text).with_context(|| path.display().to_string())? {
        Some(expected) => same(&path, &expected, &printed),
        None => Ok(()),
    }
}

/// A folder of its own, in which an example finds nothing of earlier runs.
struct Place(PathBuf);

impl Place {
    fn new() -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let folder = std::env::temp_dir().join(format!("asynx-example-{}-{count}", std::process::id()));
        fs::create_dir(&folder).with_context(|| format!("failed to make {}", folder.display()))?;
        Ok(Self(folder))
    }

    /// Runs an example there, and gives what it prints.
    fn run(&self, package: &Path, name: &str) -> Result<String> {
        let mut printed = String::new();
        let mut example = cargo();
        example.args(["run", "--quiet", "--example", name, "--manifest-path"]);
        example.arg(package.join("Cargo.toml")).current_dir(&self.0);
        let status = process::stream(&mut example, Some(LIMIT), |line| printed.push_str(line))?;
        if !status.success() {
            bail!("it ended with {status}; it printed\n{printed}");
        }
        Ok(printed)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        // It is in the folder for temporary files: whatever is left goes some day.
        let _ = fs::remove_dir_all(&self.0);
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
