//! `cargo xtask test`: every test of the workspace, with what they need.

mod tally;

use std::process::{Command, ExitCode};

use anyhow::Result;

use self::tally::Tally;
use crate::postgres::{Cluster, Programs, serve};
use crate::stopwatch::Stopwatch;
use crate::workspace::{Workspace, cargo};
use crate::{nats, process};

/// The crate whose tests need the server.
const POSTGRES_CRATE: &str = "asynx-store-postgres";
/// The crate whose tests start servers of NATS.
const JETSTREAM_CRATE: &str = "asynx-store-jetstream";

pub(crate) fn run() -> Result<ExitCode> {
    let watch = Stopwatch::start();
    let workspace = Workspace::load()?;
    let mut tests = cargo();
    tests.args(["test", "--workspace", "--all-features", "--no-fail-fast"]);
    if workspace.package(JETSTREAM_CRATE).is_some() {
        nats::provide(&mut tests)?;
    }
    let cluster = provision(&workspace, &mut tests)?;

    let mut tally = Tally::default();
    process::show(&tests);
    let status = process::stream(&mut tests, None, |line| {
        print!("{line}");
        tally.read(line);
    })?;
    if let Some(cluster) = cluster {
        cluster.stop()?;
    }

    for name in tally.failing() {
        println!("failed: {name}");
    }
    let mut sound = status.success() && tally.failed() == 0;
    if !status.success() && tally.failed() == 0 {
        println!(
            "cargo test ended with {status} though no test failed: a build error, or a test program that crashed; see above"
        );
    }
    if tally.ran() == 0 {
        println!("not one test ran, which proves nothing");
        sound = false;
    }
    println!("test: {tally} in {watch}");
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Sees that the tests find PostgreSQL; the cluster, if one was started, must outlive them.
fn provision(workspace: &Workspace, tests: &mut Command) -> Result<Option<Cluster>> {
    // Our own tests start clusters, so the programs are needed in any case.
    let programs = Programs::provide()?;
    if workspace.package(POSTGRES_CRATE).is_none() {
        println!("PostgreSQL: no server, since there is no crate {POSTGRES_CRATE}");
        return Ok(None);
    }
    serve(&programs, tests)
}
