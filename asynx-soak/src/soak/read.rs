use std::pin::pin;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use asynx_core::Position;
use asynx_testkit::Random;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::interval;

use super::follow::follow;
use super::restart::{Restarts, restart};
use super::sabotage::{Log, Sabotage};
use super::seen::Seen;
use crate::arguments::Arguments;
use crate::database::Database;
use crate::process::{Owner, say};

/// How many readers of a process begin again and again.
const RESTARTING: u64 = 2;
const PROGRESS: Duration = Duration::from_secs(1);

/// A process of readers. It is told where the end is, reads up to there, and tells what it was given.
pub(crate) async fn read(mut arguments: Arguments) -> Result<ExitCode> {
    let database = Database::told(&mut arguments)?;
    let seed: u64 = arguments.required("--seed")?;
    let process: u64 = arguments.required("--process")?;
    let sabotage: Option<Sabotage> = arguments.value("--sabotage")?;
    arguments.end()?;
    let mut owner = Owner::listen();

    let seen = Arc::new(Seen::new());
    let (until, end) = watch::channel(None);
    let random = |reader: u64| Random::seeded(seed ^ (process << 16 | reader).wrapping_mul(0x517c_c1b7));
    let log = Log::open(&database, sabotage).await?;
    let mut following = pin!(follow(&log, &seen, random(0)));
    let mut readers = JoinSet::new();
    for reader in 1..=RESTARTING {
        let (database, seen, end, random) = (database.clone(), Arc::clone(&seen), end.clone(), random(reader));
        readers.spawn(async move { restart(&database, sabotage, &seen, end, random).await });
    }

    let mut total = Restarts::default();
    let mut progress = interval(PROGRESS);
    loop {
        tokio::select! {
            line = owner.hear() => drop(until.send_replace(Some(line.parse::<Position>()?))),
            failed = &mut following => return failed.map(|never| match never {}),
            _ = progress.tick() => say(&format!("progress {}", seen.count())),
            ended = readers.join_next() => match ended {
                Some(ended) => {
                    let ended = ended??;
                    total.runs += ended.runs;
                    total.events += ended.events;
                    total.verdict += ended.verdict;
                }
                None => break,
            },
        }
    }

    seen.tell(|event| say(&format!("given {event}")));
    let Restarts { runs, events, verdict } = total;
    for example in &verdict.examples {
        say(&format!("example {example}"));
    }
    let (lost, twice, disordered, unasked) = (verdict.lost, verdict.twice, verdict.disordered, verdict.unasked);
    say(&format!(
        "restarts {runs} {events} {lost} {twice} {disordered} {unasked}"
    ));
    Ok(ExitCode::SUCCESS)
}
