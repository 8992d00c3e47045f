use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Result, bail};
use asynx_core::Runtime as _;
use asynx_core::Store;
use asynx_testkit::ThreadRuntime;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::engine;
use super::tables::{NO_TABLES, PostgresTables, SqliteTables};
use crate::arguments::Arguments;
use crate::database::Database;
use crate::process::{Owner, say};
use crate::soak::{Plan, Writer};

/// How long a call that was dropped may go on in the store.
const AFTERWARDS: Duration = Duration::from_secs(1);
/// How long a batch may take to end.
const PATIENCE: Duration = Duration::from_secs(30);
/// A writer pauses for up to so many microseconds: projections are to keep up with all of them.
const PAUSE: u64 = 80_000;

/// A process of writers and of an engine.
pub(crate) async fn work(mut arguments: Arguments) -> Result<ExitCode> {
    let database = Database::told(&mut arguments)?;
    let seed: u64 = arguments.required("--seed")?;
    let process: u64 = arguments.required("--process")?;
    let writers: u64 = arguments.required("--writers")?;
    let sabotage = arguments.value("--sabotage")?;
    arguments.end()?;
    let mut owner = Owner::listen();

    let engine = match &database {
        Database::Postgres(postgres) => engine::start(
            postgres.store().await?,
            &PostgresTables::open(postgres).await?,
            sabotage,
        )?,
        Database::Sqlite(sqlite) => engine::start(sqlite.store().await?, &SqliteTables::open(sqlite).await?, sabotage)?,
        Database::JetStream(_) => bail!(NO_TABLES),
    };
    let stop = Arc::new(AtomicBool::new(false));
    let mut writing = write(database.open().await?, seed, process, writers, &stop);
    say("ready");

    let heard = owner.hear().await;
    if heard != "stop" {
        bail!("`{heard}` is not understood");
    }
    stop.store(true, Ordering::Relaxed);
    while let Some(ended) = writing.join_next().await {
        ended??;
    }
    sleep(AFTERWARDS).await;
    say("written");

    owner.hear().await;
    if !engine.stop(PATIENCE).await {
        bail!("the engine did not stop: {:?}", engine.statuses());
    }
    Ok(ExitCode::SUCCESS)
}

fn write(store: Arc<dyn Store>, seed: u64, process: u64, writers: u64, stop: &Arc<AtomicBool>) -> JoinSet<Result<()>> {
    let mut writing = JoinSet::new();
    for writer in 0..writers {
        let mut writer = Writer::new(
            Arc::clone(&store),
            Plan::new(seed, process, writer, false),
            Duration::ZERO,
        );
        let stop = Arc::clone(stop);
        writing.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                writer.step().await?;
                sleep(Duration::from_micros(ThreadRuntime.entropy() % PAUSE)).await;
            }
            Ok(())
        });
    }
    writing
}
