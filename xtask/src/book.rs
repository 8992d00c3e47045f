//! `cargo xtask book`: the guide and its reference pages as a website.

use std::process::{Command, ExitCode};

use anyhow::{Result, bail};

use crate::process;
use crate::stopwatch::Stopwatch;
use crate::tools::Tool;
use crate::workspace::root;

const MDBOOK: Tool = Tool {
    name: "mdbook",
    version: "0.5.4",
    arguments: &["--no-default-features", "--features", "search"],
};

pub(crate) fn run() -> Result<ExitCode> {
    let watch = Stopwatch::start();
    let mdbook = MDBOOK.provide()?;
    let status = process::run(Command::new(mdbook).args(["build", "docs"]).current_dir(root()))?;
    if !status.success() {
        bail!("mdbook ended with {status}");
    }
    let page = root().join("target/book/index.html");
    if !page.exists() {
        bail!("mdbook made no {}", page.display());
    }
    println!("book: {} in {watch}", page.display());
    Ok(ExitCode::SUCCESS)
}
