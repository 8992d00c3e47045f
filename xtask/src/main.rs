//! The commands of the repository: `cargo xtask help` lists them.
//!
//! One door for people and for CI. Every command prints what it does, ends with one line of figures, exits with 0 only if all is
//! well, and takes away what it started, also when it is interrupted. Written for Unix.

mod apt;
mod bench;
mod book;
mod check;
mod cli;
mod deny;
mod examples;
mod fix;
mod interrupt;
mod leash;
mod nats;
mod postgres;
mod process;
mod sim;
mod soak;
mod stopwatch;
mod test;
mod tools;
mod workspace;

use std::process::ExitCode;

fn main() -> ExitCode {
    match cli::run(std::env::args().skip(1)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            interrupt::exit_code().unwrap_or(ExitCode::FAILURE)
        }
    }
}
