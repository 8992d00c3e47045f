//! What the example `web` is tried with: a browser, its driver, curl.

use std::ffi::OsStr;
use std::path::Path;

use anyhow::{Result, bail};

use crate::apt;

/// What serves, by its names on PATH, and the package that brings it.
const NEEDED: [(&[&str], &str); 3] = [
    (&["chromium", "chromium-browser", "google-chrome"], "chromium"),
    (&["chromedriver"], "chromium-driver"),
    (&["curl"], "curl"),
];

/// Sees that they are there.
///
/// # Errors
///
/// If some are not and cannot be installed from here; the message holds the line that a person must run.
pub(super) fn provide() -> Result<()> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let missing = missing(&path);
    if missing.is_empty() {
        return Ok(());
    }
    if !apt::may_install() {
        bail!(
            "the example `web` is tried in a browser, and these were not found: {}; install them with: {}",
            missing.join(", "),
            by_hand(&missing)
        );
    }
    println!("not found, installing: {}", missing.join(", "));
    apt::install(&missing)?;
    match self::missing(&path) {
        none if none.is_empty() => Ok(()),
        left => bail!("{} were installed, but are not on PATH", left.join(", ")),
    }
}

/// The packages of what is not on the path.
fn missing(path: &OsStr) -> Vec<&'static str> {
    let folders: Vec<_> = std::env::split_paths(path).collect();
    let there = |name: &&str| folders.iter().any(|folder| folder.join(name).is_file());
    let needed = NEEDED.into_iter().filter(|(names, _)| !names.iter().any(there));
    needed.map(|(_, package)| package).collect()
}

fn by_hand(packages: &[&str]) -> String {
    let packages = packages.join(" ");
    if apt::is_here() {
        format!("sudo apt-get update && sudo apt-get install -y {packages}")
    } else if cfg!(target_os = "macos") {
        "brew install --cask chromium && brew install --cask chromedriver".to_owned()
    } else if Path::new("/usr/bin/dnf").exists() {
        "sudo dnf install -y chromium chromedriver curl".to_owned()
    } else if Path::new("/sbin/apk").exists() {
        "apk add chromium chromium-chromedriver curl".to_owned()
    } else if Path::new("/usr/bin/pacman").exists() {
        "sudo pacman -S --noconfirm chromium curl".to_owned()
    } else {
        "the package manager of this system, then put chromium, chromedriver and curl on PATH".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_on_the_path_is_named_by_its_package() {
        let folder = std::env::temp_dir().join(format!("asynx-programs-{}", std::process::id()));
        std::fs::create_dir(&folder).unwrap();
        assert_eq!(missing(folder.as_os_str()), ["chromium", "chromium-driver", "curl"]);
        // Any of its names will do.
        for name in ["google-chrome", "curl"] {
            std::fs::write(folder.join(name), "").unwrap();
        }
        assert_eq!(missing(folder.as_os_str()), ["chromium-driver"]);
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
