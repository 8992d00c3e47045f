//! The oldest Rust that is enough: the same in every manifest, in the README, and not newer than the one at work.

use std::process::Command;

use anyhow::{Context as _, Result, bail};

use crate::process;
use crate::workspace::{Workspace, root};

pub(super) const MEND: &str = "`rust-version.workspace = true` in each manifest; state the same version in README.md, and run \
                               the check with it";

pub(super) fn check(workspace: &Workspace) -> Result<()> {
    let mut versions: Vec<_> = workspace
        .packages
        .iter()
        .map(|package| &*package.rust_version)
        .collect();
    versions.dedup();
    let [version] = versions[..] else {
        bail!(
            "the crates state several versions of Rust, or none: {}",
            versions.join(", ")
        );
    };
    let readme = std::fs::read_to_string(root().join("README.md")).context("failed to read README.md")?;
    let stated = format!("Rust {version} or newer");
    if !readme.contains(&stated) {
        bail!("README.md does not say \"{stated}\"");
    }
    let compiler = process::capture(Command::new("rustc").arg("--version"))?;
    let at_work = release(&compiler).with_context(|| format!("what version is {compiler:?}?"))?;
    match at_work.cmp(&release(&format!("rustc {version}.0")).context("the manifests state no version")?) {
        std::cmp::Ordering::Less => bail!("rustc {}.{} is at work, older than {version}", at_work.0, at_work.1),
        std::cmp::Ordering::Equal => {
            println!("Rust {version}, which is at work: the steps above prove that it is enough")
        }
        std::cmp::Ordering::Greater => {
            println!("Rust {version}; a newer one is at work, so that it is enough is not proved here")
        }
    }
    Ok(())
}

/// The first two numbers of `rustc 1.95.0 (...)`.
fn release(compiler: &str) -> Option<(u32, u32)> {
    let mut numbers = compiler.split_whitespace().nth(1)?.split(['.', '-']);
    Some((numbers.next()?.parse().ok()?, numbers.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::Package;

    #[test]
    fn a_compiler_tells_its_release() {
        assert_eq!(release("rustc 1.95.0 (59807616e 2026-04-14)"), Some((1, 95)));
        assert_eq!(release("rustc 1.97.0-nightly (1 2)"), Some((1, 97)));
        assert_eq!(release("clang"), None);
    }

    #[test]
    fn crates_that_differ_are_refused() {
        let package = |version: &str| Package {
            rust_version: version.to_owned(),
            ..Package::default()
        };
        let packages = vec![package("1.95"), package("1.96")];
        let error = check(&Workspace { packages }).unwrap_err().to_string();
        assert!(error.contains("1.95, 1.96"), "{error}");
        assert!(
            check(&Workspace {
                packages: vec![package("1.20")]
            })
            .is_err()
        );
    }
}
