use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use asynx_core::{Record, Version};
use futures::TryStreamExt as _;
use tokio::sync::mpsc::{Receiver, channel};
use tokio::time::{Instant, timeout, timeout_at};

use super::FIGHTER;
use super::fighter::ACCOUNT;
use super::judge::judge;
use super::options::Options;
use super::words::{Answer, Call};
use crate::arguments::Arguments;
use crate::bank::{Account, handle};
use crate::clock::{Stopwatch, nanos};
use crate::database::Database;
use crate::process::{Said, Worker, until_interrupted};

/// How many processes fight.
const PROCESSES: usize = 2;
/// How long they have for what they are doing.
const PATIENCE: Duration = Duration::from_secs(75);
/// So much the clock may be out by, of which it is read at different moments.
const SLACK: Duration = Duration::from_millis(2);

/// Lets processes fight.
pub(crate) async fn run(arguments: Arguments) -> Result<ExitCode> {
    let options = Options::parse(arguments)?;
    let database = Database::new(&options.store)?;
    let ended = until_interrupted(fight(&options, &database)).await;
    let removed = database.remove().await;
    let Some(code) = ended? else {
        return Ok(ExitCode::FAILURE);
    };
    removed?;
    Ok(code)
}

async fn fight(options: &Options, database: &Database) -> Result<ExitCode> {
    let (watch, began) = (Stopwatch::start(), nanos());
    let calls = calls(options, database).await?;
    let passed = Duration::from_nanos(nanos().saturating_sub(began));
    if passed.abs_diff(watch.elapsed()) > SLACK + watch.elapsed() / 1_000 {
        bail!("the machine's clock was set during the fight, so its times prove nothing; run it again");
    }
    let stored = balances(database).await?;
    let verdict = judge(&stored, &calls);
    for example in &verdict.examples {
        println!("fight: {example}");
    }
    let unknown = calls.iter().filter(|call| call.answer == Answer::Unknown).count() as u64;
    let failed = calls.iter().filter(|call| call.answer == Answer::Failed).count();
    // What nobody was told of can only be of calls that nobody was answered.
    let unclaimed = (stored.len() as u64).saturating_sub(verdict.accepted);
    println!(
        "fight: {} processes {PROCESSES} stored {} accepted {} rejected {} read {} failed {failed} unknown {unknown} \
         untrue {}",
        options.store,
        stored.len(),
        verdict.accepted,
        verdict.rejected,
        verdict.read,
        verdict.untrue
    );
    let sound = verdict.untrue == 0 && verdict.rejected > 0 && verdict.accepted > 0 && unclaimed <= unknown;
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// What the processes were answered.
async fn calls(options: &Options, database: &Database) -> Result<Vec<Call>> {
    // The tables are made before anybody fights.
    database.open().await?;
    let (said, mut heard) = channel(10_000);
    let mut workers = Vec::new();
    for process in 0..PROCESSES {
        let mut arguments = database.tell();
        arguments.extend(["--seed".to_owned(), options.seed.to_string()]);
        arguments.extend(["--process".to_owned(), process.to_string()]);
        if let Some(sabotage) = &options.sabotage {
            arguments.extend(["--sabotage".to_owned(), sabotage.clone()]);
        }
        workers.push(Worker::start(FIGHTER, process, &arguments, said.clone())?);
    }
    drop(said);
    let mut calls = Vec::new();
    let end = Instant::now() + options.time;
    while let Ok(said) = timeout_at(end, heard.recv()).await {
        match said {
            Some((_, Said::Line(line))) => calls.push(Call::told(&line)?),
            _ => bail!("a process ended early; see above"),
        }
    }
    for worker in &mut workers {
        worker.tell("stop").await?;
    }
    timeout(PATIENCE, rest(&mut heard, &mut calls))
        .await
        .context("a call was not answered in time")??;
    for worker in workers {
        worker.ended().await?;
    }
    Ok(calls)
}

async fn rest(heard: &mut Receiver<(usize, Said)>, calls: &mut Vec<Call>) -> Result<()> {
    while let Some((_, said)) = heard.recv().await {
        if let Said::Line(line) = said {
            calls.push(Call::told(&line)?);
        }
    }
    Ok(())
}

/// The balances after each version, as the stream replays. It has no gaps.
async fn balances(database: &Database) -> Result<Vec<i64>> {
    let store = database.open().await?;
    let rows = store.read_from(&Account::stream(ACCOUNT), Version::FIRST).await?;
    let bank = handle(store, asynx::Options::default()).await?;
    let events: Vec<_> = bank.history(ACCOUNT).try_collect().await?;
    let mut balances = Vec::with_capacity(rows.len());
    for (version, row) in (1..).zip(&rows) {
        let record = Record::decode(&row.record)?;
        let event = events
            .get(balances.len())
            .context("its history is shorter than its stream")?;
        if row.version.get() != version || event.version != row.version || event.id != record.event_id {
            bail!(
                "version {version} is not what is stored there: {} and {}",
                row.version,
                event.version
            );
        }
        balances.push(event.aggregate.balance);
    }
    Ok(balances)
}
