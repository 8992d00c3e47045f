use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use asynx_core::Position;
use asynx_testkit::Random;
use tokio::time::Instant;

use super::crew::Crew;
use super::hinder::hinder;
use super::judge::{Verdict, judge};
use super::options::Options;
use super::table::{TABLES, Table};
use super::tables::View;
use crate::arguments::Arguments;
use crate::clock::Stopwatch;
use crate::database::Database;
use crate::process::until_interrupted;

/// How long processes have for what they are doing.
const PATIENCE: Duration = Duration::from_secs(120);
/// How long projections that are behind may stand still.
const STANDSTILL: Duration = Duration::from_secs(60);

/// Hinders projections.
pub(crate) async fn run(arguments: Arguments) -> Result<ExitCode> {
    let options = Options::parse(arguments)?;
    let database = Database::new(&options.store)?;
    let ended = until_interrupted(play(&options, &database)).await;
    let removed = database.remove().await;
    let Some(code) = ended? else {
        return Ok(ExitCode::FAILURE);
    };
    removed?;
    Ok(code)
}

async fn play(options: &Options, database: &Database) -> Result<ExitCode> {
    let (processes, writers) = (options.processes, options.processes as u64 * options.writers);
    println!(
        "projections: {} seed {}: {processes} processes, {writers} writers and {} projections, for {} s",
        options.store,
        options.seed,
        TABLES.len(),
        options.time.as_secs()
    );
    let watch = Stopwatch::start();
    // The tables of the store come first.
    drop(database.open().await?);
    let view = View::open(database).await?;
    view.create().await?;
    let mut crew = Crew::start(options, database)?;
    let done = hinder(&mut crew, options.time, &mut Random::seeded(options.seed)).await?;
    crew.all("ready", |member| member.ready, PATIENCE).await?;
    crew.tell("stop").await?;
    crew.all("done with writing", |member| member.written, PATIENCE).await?;
    let hindered = watch.seconds();
    catch_up(&mut crew, &view).await?;
    crew.end().await?;
    println!(
        "projections: {} processes were killed and {} paused for longer than their leases, in {hindered:.0} s; {:.0} s in all",
        done.killed,
        done.paused,
        watch.seconds()
    );
    let log = view.log().await?;
    let mut sound = !log.is_empty();
    for table in TABLES {
        let verdict = judge(table, &log, &view.rows(table).await?);
        tell(table, log.len(), &verdict);
        sound &= verdict.is_sound();
    }
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Waits until every checkpoint is at the end of the log, which nobody writes any more. Where one stands still, what is
/// missing will be told.
async fn catch_up(crew: &mut Crew, view: &View) -> Result<()> {
    let end = view.end().await?;
    let mut before = Vec::new();
    let mut moved_at = Instant::now();
    loop {
        let mut now: Vec<Option<Position>> = Vec::new();
        let mut all = true;
        for table in TABLES {
            let checkpoints = view.checkpoints(table).await?;
            all &= checkpoints.len() == table.partitions && checkpoints.iter().all(|position| *position >= end);
            now.extend(checkpoints);
        }
        if all {
            return Ok(());
        }
        now.sort_unstable();
        if now != before {
            before = now;
            moved_at = Instant::now();
        }
        if moved_at.elapsed() > STANDSTILL {
            println!("projections: no checkpoint moved for {} s", STANDSTILL.as_secs());
            return Ok(());
        }
        crew.listen(Duration::from_millis(100)).await?;
    }
}

fn tell(table: Table, committed: usize, verdict: &Verdict) {
    let name = table.name;
    for example in &verdict.examples {
        println!("projections: {name}: {example}");
    }
    if verdict.unasked > 0 {
        println!(
            "projections: {name}: {} rows are of no event of the log",
            verdict.unasked
        );
    }
    let Verdict {
        applied,
        lost,
        twice,
        disordered,
        repeated,
        ..
    } = verdict;
    let repeated = if table.transactional {
        String::new()
    } else {
        format!(" repeated {repeated}")
    };
    println!(
        "{name} committed {committed} applied {applied} lost {lost} twice {twice} disordered {disordered}{repeated}"
    );
}
