//! `cargo xtask bench`: asynx, other libraries and raw limits do the same work in the same run, by turns.
//!
//! Each measurement is a program of its own in the workspace `asynx-bench`, and begins with nothing: a new process, and an empty
//! database of a throw-away server. `figures.rs` says which are needed for which figure; nothing else is run.

mod figures;
mod formula;
mod measurement;
mod options;
mod programs;
mod results;
mod rounds;
mod samples;
mod table;

use std::process::ExitCode;

use anyhow::Result;

use self::options::Options;
use self::programs::Programs;
use crate::stopwatch::Stopwatch;

pub(crate) fn run(arguments: &[String]) -> Result<ExitCode> {
    let options = Options::parse(arguments)?;
    let figures = figures::wanted(&options)?;
    let programs = Programs::build(&figures)?;
    let watch = Stopwatch::start();
    let (samples, server) = rounds::measure(&programs, &figures, &options)?;
    if options.save {
        let file = results::save(&figures, &samples, &server, &options)?;
        eprintln!("bench: kept as {}", file.display());
    }
    if options.json {
        println!("{}", table::json(&figures, &samples));
    } else {
        print!("{}", table::text(&figures, &samples));
    }
    let last = format!("bench: {} in {watch}", table::summary(&figures, &samples));
    // The last line of stdout is the figures where a program reads them.
    if options.json {
        eprintln!("{last}")
    } else {
        println!("{last}")
    }
    Ok(ExitCode::SUCCESS)
}
