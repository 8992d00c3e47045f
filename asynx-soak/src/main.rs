//! Long proofs of the durable stores of asynx, run by `cargo xtask soak`.
//!
//! `soak` lets several processes append to one database and others follow its log, and compares what was acknowledged
//! with what was delivered. The processes are this program again, with the name of their role as command.

mod arguments;
mod clock;
mod database;
mod process;
mod soak;

use std::process::ExitCode;

use anyhow::{Result, bail};

use crate::arguments::Arguments;

const USAGE: &str = "usage:
  asynx-soak soak [--seconds N] [--store postgres] [--seed S] [--sabotage NAME]

  soak   4 processes append for N seconds, by default 60, others read; the last line says what was found.
         Sabotages break the readers, to prove that it is found: no-watermark, skip, repeat, swap.

ASYNX_TEST_POSTGRES is the URL of the PostgreSQL server to use; `cargo xtask soak` starts one.";

#[tokio::main]
async fn main() -> ExitCode {
    let mut words = std::env::args().skip(1);
    let command = words.next().unwrap_or_default();
    match run(&command, Arguments::new(words)).await {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: &str, arguments: Arguments) -> Result<ExitCode> {
    match command {
        "soak" => soak::run(arguments).await,
        soak::WRITER => soak::write(arguments).await,
        soak::READER => soak::read(arguments).await,
        _ => bail!("`{command}` is no command\n{USAGE}"),
    }
}
