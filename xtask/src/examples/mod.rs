//! `cargo xtask examples`: every example prints what its README says it prints.

mod diff;
mod example;
mod place;
mod programs;
mod readme;
mod server;

use std::process::ExitCode;

use anyhow::{Result, bail};

use self::example::Example;
use self::server::Server;
use crate::stopwatch::Stopwatch;
use crate::workspace::{Workspace, cargo};
use crate::{interrupt, process};

/// The example that is a service: its tests run it.
const SERVICE: &str = "asynx-example-web";

pub(crate) fn run() -> Result<ExitCode> {
    let watch = Stopwatch::start();
    let workspace = Workspace::load()?;
    let examples: Vec<Example> = workspace.packages.iter().flat_map(Example::of).collect();
    if examples.is_empty() {
        bail!("there are no examples");
    }
    let server = Server::start()?;
    let mut tally = Tally::default();
    for example in &examples {
        tally.count(&example.name, example.build().and_then(|()| example.compare(&server)));
        interrupt::check()?;
    }
    tally.count("web", programs::provide().and_then(|()| try_service()));
    server.stop()?;
    println!("examples: {} ran, {} failed in {watch}", tally.ran, tally.failed);
    Ok(if tally.failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

#[derive(Default)]
struct Tally {
    ran: u32,
    failed: u32,
}

impl Tally {
    fn count(&mut self, name: &str, outcome: Result<()>) {
        self.ran += 1;
        match outcome {
            Ok(()) => println!("{name}: as its README says"),
            Err(error) => {
                self.failed += 1;
                println!("{name}: {error:#}");
            }
        }
    }
}

/// What the service answers, and its page in a browser.
fn try_service() -> Result<()> {
    let arguments = [
        "test",
        "--quiet",
        "--package",
        SERVICE,
        "--test",
        "readme",
        "--test",
        "browser",
    ];
    if !process::run(cargo().args(arguments))?.success() {
        bail!("its tests failed: see above");
    }
    Ok(())
}
