//! `asynx-sim --seeds N [--seed S] [--trace] [--keep-going] [--sabotage NAME|all]`: N seeds from S on.

use std::process::ExitCode;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread;

use asynx_sim::{Figures, Sabotage, run_seed};

struct Wanted {
    first: u64,
    seeds: u64,
    trace: bool,
    keep_going: bool,
    sabotage: Option<String>,
}

const USAGE: &str = "usage: asynx-sim [--seeds N] [--seed S] [--trace] [--keep-going] [--sabotage NAME|all]";

/// Seeds run side by side in so many threads.
const THREADS: usize = 2;

/// Figures are told after so many seeds.
const PROGRESS: u64 = 500;

fn main() -> ExitCode {
    match wanted(std::env::args().skip(1)).and_then(|wanted| run(&wanted)) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error}\n{USAGE}");
            ExitCode::FAILURE
        }
    }
}

fn wanted(mut arguments: impl Iterator<Item = String>) -> Result<Wanted, String> {
    let mut wanted = Wanted {
        first: 1,
        seeds: 2_000,
        trace: false,
        keep_going: false,
        sabotage: None,
    };
    while let Some(argument) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{argument} needs a value"));
        let number = |text: String| text.parse().map_err(|_| format!("{text} is no number"));
        match argument.as_str() {
            "--seeds" => wanted.seeds = number(value()?)?,
            "--seed" => wanted.first = number(value()?)?,
            "--trace" => wanted.trace = true,
            "--keep-going" => wanted.keep_going = true,
            "--sabotage" => wanted.sabotage = Some(value()?),
            other => return Err(format!("`{other}` is not understood")),
        }
    }
    Ok(wanted)
}

fn run(wanted: &Wanted) -> Result<ExitCode, String> {
    let Some(name) = &wanted.sabotage else {
        let failed = seeds(wanted, None).is_some();
        return Ok(if failed { ExitCode::FAILURE } else { ExitCode::SUCCESS });
    };
    let all = Sabotage::all();
    if all.is_empty() {
        return Err("built without the feature `sabotage`".to_owned());
    }
    let chosen: Vec<Sabotage> = all
        .into_iter()
        .filter(|one| name == "all" || name == one.name)
        .collect();
    if chosen.is_empty() {
        return Err(format!("there is no sabotage `{name}`"));
    }
    let mut missed = 0;
    for sabotage in &chosen {
        Sabotage::prepare(Some(*sabotage));
        match seeds(wanted, Some(*sabotage)) {
            Some((seed, law)) => println!("{:<24} seed {seed:>5}: {law}", sabotage.name),
            None => {
                missed += 1;
                println!("{:<24} not found", sabotage.name);
            }
        }
    }
    println!(
        "sabotage: {} tried, {missed} not found in {} seeds",
        chosen.len(),
        wanted.seeds
    );
    Ok(if missed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Runs the seeds; the first that failed, with its law.
fn seeds(wanted: &Wanted, sabotage: Option<Sabotage>) -> Option<(u64, &'static str)> {
    let next = AtomicU64::new(0);
    let failed = AtomicBool::new(false);
    let tally = Mutex::new((Figures::default(), None::<(u64, &'static str)>));
    let quiet = sabotage.is_some() && wanted.seeds > 1;
    let work = || {
        while wanted.keep_going || !failed.load(Ordering::Relaxed) {
            let nth = next.fetch_add(1, Ordering::Relaxed);
            if nth >= wanted.seeds {
                return;
            }
            let outcome = run_seed(wanted.first + nth, sabotage);
            let mut tally = tally.lock().expect("no thread panics");
            tally.0 += outcome.figures;
            if wanted.trace {
                println!("{}", outcome.history);
            }
            if let (Some(failure), Some(law)) = (outcome.failure, outcome.law) {
                failed.store(true, Ordering::Relaxed);
                if tally.1.is_none_or(|(seed, _)| seed > outcome.seed) {
                    tally.1 = Some((outcome.seed, law));
                }
                match wanted.keep_going {
                    true => println!("seed {}: {law}", outcome.seed),
                    false if quiet => {}
                    false => println!("{failure}"),
                }
            }
            if tally.0.seeds % PROGRESS == 0 && !quiet {
                println!("{}", tally.0);
            }
        }
    };
    thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(work);
        }
    });
    let (figures, first) = tally.into_inner().expect("no thread panics");
    if !quiet {
        println!("sim: {figures}");
    }
    first
}
