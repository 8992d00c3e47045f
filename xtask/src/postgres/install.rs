//! Installs PostgreSQL where that needs no questions.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, bail};

use super::programs::OLDEST;
use crate::{apt, process};

/// Installs the package of the system.
pub(super) fn install() -> Result<()> {
    if !apt::may_install() {
        bail!(
            "the tests need PostgreSQL {OLDEST} or newer, and none was found; install it with: {}",
            by_hand()
        );
    }
    println!("PostgreSQL: not found, installing it");
    apt::install(&["postgresql"])?;
    stop_the_server_of_the_package();
    Ok(())
}

/// The package creates a cluster of its own and may start it. Nothing here uses it, and nothing shall be left running.
fn stop_the_server_of_the_package() {
    // Without the program or without the server there is nothing to stop.
    let _ = process::run(Command::new("service").args(["postgresql", "stop"]));
}

fn by_hand() -> &'static str {
    if apt::is_here() {
        "sudo apt-get update && sudo apt-get install -y postgresql"
    } else if cfg!(target_os = "macos") {
        "brew install postgresql@17"
    } else if Path::new("/usr/bin/dnf").exists() {
        "sudo dnf install -y postgresql-server"
    } else if Path::new("/sbin/apk").exists() {
        "apk add postgresql"
    } else if Path::new("/usr/bin/pacman").exists() {
        "sudo pacman -S --noconfirm postgresql"
    } else {
        "the package manager of this system, then put initdb and pg_ctl on PATH"
    }
}
