//! Installs packages of the system where that needs no questions: as root, with apt-get. Elsewhere a person decides.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use crate::process;

const APT: &str = "/usr/bin/apt-get";

/// Whether this system has apt-get.
pub(crate) fn is_here() -> bool {
    Path::new(APT).exists()
}

/// Whether packages can be installed without asking.
pub(crate) fn may_install() -> bool {
    is_here() && process::capture(Command::new("id").arg("-u")).is_ok_and(|id| id.trim() == "0")
}

/// Installs packages.
pub(crate) fn install(packages: &[&str]) -> Result<()> {
    let install = [&["-q", "install", "-y", "--no-install-recommends"][..], packages].concat();
    for arguments in [vec!["-q", "update"], install] {
        let mut apt = Command::new(APT);
        let status = process::run(apt.args(arguments).env("DEBIAN_FRONTEND", "noninteractive"))?;
        if !status.success() {
            bail!("apt-get ended with {status}; install by hand: {}", packages.join(", "));
        }
    }
    Ok(())
}
