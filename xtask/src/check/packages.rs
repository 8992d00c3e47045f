//! Every crate that is published packages, and carries what its readers need: a README, licences, its features told.

use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::process;
use crate::workspace::{Package, Workspace, cargo, root};

pub(super) const MEND: &str = "give the crate what the others have; dev-dependencies on our crates need a path and no version \
                               where they make a circle";

/// What each package has to contain.
const FILES: [&str; 4] = ["Cargo.toml", "LICENSE-APACHE", "LICENSE-MIT", "README.md"];

pub(super) fn check(workspace: &Workspace) -> Result<()> {
    let published: Vec<_> = workspace.packages.iter().filter(|package| package.published).collect();
    if published.is_empty() {
        bail!("no crate is published, so this proves nothing");
    }
    let mut missing = Vec::new();
    for package in &published {
        missing.extend(lacks(package)?);
    }
    if !missing.is_empty() {
        bail!("{}", missing.join("\n"));
    }
    // All at once: none of them is in the registry, where cargo would look for what another one depends on. Offline, since
    // the builds before have fetched all that is needed.
    let mut command = cargo();
    command.args([
        "package",
        "--quiet",
        "--offline",
        "--no-verify",
        "--allow-dirty",
        "--workspace",
    ]);
    for package in workspace.packages.iter().filter(|package| !package.published) {
        command.args(["--exclude", &package.name]);
    }
    if !process::run(&mut command)?.success() {
        bail!("not every crate can be packaged");
    }
    println!("{} crates can be packaged", published.len());
    Ok(())
}

/// What a package lacks, a line each.
fn lacks(package: &Package) -> Result<Vec<String>> {
    let name = &package.name;
    let mut lacks = Vec::new();
    if package.description.is_empty() || package.keywords == 0 {
        lacks.push(format!("{name} has no description or no keywords"));
    }
    let mut list = cargo();
    list.args(["package", "--list", "--quiet", "--allow-dirty", "--package", name]);
    let files = process::capture(&mut list)?;
    let files: Vec<_> = files.lines().collect();
    lacks.extend(
        FILES
            .iter()
            .filter(|file| !files.contains(file))
            .map(|file| format!("the package of {name} has no {file}")),
    );
    let library = read(&package.folder.join("src/lib.rs"))?;
    let readme = package.folder.join("README.md");
    // The façade's is that of the repository.
    let readme = read(&if readme.exists() {
        readme
    } else {
        root().join("README.md")
    })?;
    for (text, place) in [(library, "src/lib.rs"), (readme, "its README")] {
        let features = package.features.iter().filter(|feature| *feature != "default");
        let untold = features.filter(|feature| !text.contains(&format!("`{feature}`")));
        lacks.extend(untold.map(|feature| format!("{name}: {place} does not tell of the feature `{feature}`")));
    }
    Ok(lacks)
}

fn read(path: &Path) -> Result<String> {
    std::fs::read_to_string(path).with_context(|| format!("failed to read {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_published_here_lacks_nothing() {
        let workspace = Workspace::load().unwrap();
        for package in workspace.packages.iter().filter(|package| package.published) {
            assert_eq!(lacks(package).unwrap(), [""; 0]);
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        let workspace = Workspace::load().unwrap();
        let mut packages = workspace.packages.into_iter();
        let mut package = packages.find(|package| package.name == "xtask").unwrap();
        package.features = vec!["default".to_owned(), "no_such".to_owned()];
        let lacks = lacks(&package);
        // It is a program.
        assert!(lacks.unwrap_err().to_string().contains("src/lib.rs"));

        let workspace = Workspace::load().unwrap();
        let mut package = workspace
            .packages
            .into_iter()
            .find(|package| package.name == "asynx-sim")
            .unwrap();
        package.features = vec!["default".to_owned(), "no_such".to_owned()];
        package.keywords = 0;
        let lacks = super::lacks(&package).unwrap();
        let told = |text: &str| lacks.iter().any(|line| line.contains(text));
        assert!(
            told("no keywords") && told("no LICENSE-MIT") && told("its README does not tell of the feature `no_such`")
        );
    }
}
