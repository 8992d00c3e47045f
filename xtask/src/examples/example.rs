use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::place::Place;
use super::provisions::Provisions;
use super::{diff, readme};
use crate::process;
use crate::workspace::{Package, cargo, root};

/// The packages that hold examples: all but one have a single one.
const PACKAGES: &str = "asynx-example";

/// One program, and the README that says what it prints.
pub(super) struct Example {
    pub(super) name: String,
    package: String,
    pub(super) manifest: PathBuf,
    readme: PathBuf,
}

impl Example {
    pub(super) fn of(package: &Package) -> Vec<Self> {
        if !package.name.starts_with(PACKAGES) {
            return Vec::new();
        }
        let example = |name: &String| {
            // Beside the manifest, where a package is one example.
            let folders = [package.folder.join(name), package.folder.clone()];
            let readmes = folders.map(|folder| folder.join("README.md"));
            Self {
                name: name.clone(),
                package: package.name.clone(),
                manifest: package.folder.join("Cargo.toml"),
                readme: readmes.iter().find(|path| path.exists()).unwrap_or(&readmes[0]).clone(),
            }
        };
        package.examples.iter().map(example).collect()
    }

    /// By itself, so that a package has the features that it asks for and no others.
    pub(super) fn build(&self) -> Result<()> {
        let arguments = ["build", "--quiet", "--package", &self.package, "--example", &self.name];
        if !process::run(cargo().args(arguments))?.success() {
            bail!("it does not build");
        }
        Ok(())
    }

    /// Runs it, and compares what it prints.
    pub(super) fn compare(&self, provisions: &Provisions) -> Result<()> {
        let Self { name, readme: path, .. } = self;
        let text = fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))?;
        let expected = readme::output(&text).with_context(|| path.display().to_string())?;

        let place = Place::new()?;
        let printed = place.run(self, provisions)?;
        same(path, &expected, &printed)?;
        // One that keeps its data shows what a second run finds.
        let again = readme::output_of(&format!("{name} again"), &text).with_context(|| path.display().to_string())?;
        if let Some(expected) = again {
            same(path, &expected, &place.run(self, provisions)?)?;
        }
        // The README of the whole project may show it as well.
        let path = root().join("README.md");
        let text = fs::read_to_string(&path).with_context(|| format!("failed to read {}", path.display()))?;
        match readme::output_of(name, &text).with_context(|| path.display().to_string())? {
            Some(expected) => same(&path, &expected, &printed),
            None => Ok(()),
        }
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
