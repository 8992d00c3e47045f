//! `cargo xtask fix`: mends what a program can mend.

use std::process::ExitCode;

use anyhow::Result;

use crate::process;
use crate::stopwatch::Stopwatch;
use crate::workspace::cargo;

pub(crate) fn run() -> Result<ExitCode> {
    let watch = Stopwatch::start();
    let mut clippy = cargo();
    clippy.args([
        "clippy",
        "--fix",
        "--allow-dirty",
        "--allow-staged",
        "--workspace",
        "--all-targets",
        "--all-features",
    ]);
    // Last, since what clippy rewrites is not formatted.
    let mut fmt = cargo();
    fmt.args(["fmt", "--all"]);

    let mut failed = 0;
    for command in [&mut clippy, &mut fmt] {
        failed += u32::from(!process::run(command)?.success());
    }
    println!(
        "fix: {} of 2 tools succeeded in {watch}; `cargo xtask check` shows what is left",
        2 - failed
    );
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
