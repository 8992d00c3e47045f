//! `asynx-sim --seeds N [--seed S] [--trace]`: N seeds from S on.

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use asynx_sim::{Figures, run_seed};

struct Wanted {
    first: u64,
    seeds: u64,
    trace: bool,
    /// Go on after a failure.
    all: bool,
}

const USAGE: &str = "usage: asynx-sim --seeds N [--seed S] [--trace] [--keep-going]";

/// Seeds run side by side in so many threads.
const THREADS: usize = 2;

fn main() -> ExitCode {
    match wanted(std::env::args().skip(1)) {
        Ok(wanted) => run(&wanted),
        Err(error) => {
            eprintln!("error: {error}\n{USAGE}");
            ExitCode::FAILURE
        }
    }
}

fn wanted(mut arguments: impl Iterator<Item = String>) -> Result<Wanted, String> {
    let mut wanted = Wanted {
        first: 1,
        seeds: 100,
        trace: false,
        all: false,
    };
    while let Some(argument) = arguments.next() {
        let mut number = || {
            let number = arguments.next().ok_or_else(|| format!("{argument} needs a number"))?;
            number.parse().map_err(|_| format!("{number} is no number"))
        };
        match argument.as_str() {
            "--seeds" => wanted.seeds = number()?,
            "--seed" => wanted.first = number()?,
            "--trace" => wanted.trace = true,
            "--keep-going" => wanted.all = true,
            other => return Err(format!("`{other}` is not understood")),
        }
    }
    Ok(wanted)
}

fn run(wanted: &Wanted) -> ExitCode {
    let next = AtomicU64::new(0);
    let failed = AtomicBool::new(false);
    let figures = Mutex::new(Figures::default());
    let work = || {
        while wanted.all || !failed.load(Ordering::Relaxed) {
            let nth = next.fetch_add(1, Ordering::Relaxed);
            if nth >= wanted.seeds {
                return;
            }
            let outcome = run_seed(wanted.first + nth, None);
            let mut figures = figures.lock().expect("no thread panics");
            *figures += outcome.figures;
            if wanted.trace {
                println!("{}", outcome.history);
            }
            if let Some(failure) = outcome.failure {
                failed.store(true, Ordering::Relaxed);
                match (wanted.all, outcome.law) {
                    (true, Some(law)) => println!("seed {}: {law}", outcome.seed),
                    _ => println!("{failure}"),
                }
            }
            if figures.seeds % 200 == 0 {
                println!("{figures}");
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(work);
        }
    });
    println!("sim: {}", figures.lock().expect("no thread panics"));
    match failed.into_inner() {
        true => ExitCode::FAILURE,
        false => ExitCode::SUCCESS,
    }
}
