//! Programs written in Rust that a command needs: installed where nobody else is bothered by them.

use std::path::PathBuf;

use anyhow::{Result, bail};

use crate::process;
use crate::workspace::{cargo, root};

/// A crate with a program of the same name.
pub(crate) struct Tool {
    pub(crate) name: &'static str,
    pub(crate) version: &'static str,
    pub(crate) arguments: &'static [&'static str],
}

impl Tool {
    /// The program, built first where it is not there: in `target/tools`, of this version.
    pub(crate) fn provide(&self) -> Result<PathBuf> {
        let folder = root().join("target/tools");
        let program = folder.join(self.version).join("bin").join(self.name);
        if program.exists() {
            return Ok(program);
        }
        println!(
            "{} {}: not there, building it once into {}; that takes some minutes",
            self.name,
            self.version,
            folder.display()
        );
        let mut install = cargo();
        install.args(["install", "--locked", self.name, "--version", self.version]);
        install.arg("--root").arg(folder.join(self.version));
        install
            .arg("--target-dir")
            .arg(folder.join("build"))
            .args(self.arguments);
        if !process::run(&mut install)?.success() {
            bail!("{} could not be installed; see above", self.name);
        }
        // What built it is of no use any more, and large.
        let _ = std::fs::remove_dir_all(folder.join("build"));
        Ok(program)
    }
}
