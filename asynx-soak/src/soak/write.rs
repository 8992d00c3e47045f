use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Result;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::append::{Tally, Writer};
use super::plan::Plan;
use crate::arguments::Arguments;
use crate::database::Database;
use crate::process::{Owner, say};

/// How long a call that was dropped may go on in the store.
const AFTERWARDS: Duration = Duration::from_secs(1);

/// A process of writers: some as fast as they can on one handle, and one that hinders on a handle of its own.
pub(crate) async fn write(mut arguments: Arguments) -> Result<std::process::ExitCode> {
    let database = Database::told(&mut arguments)?;
    let seed: u64 = arguments.required("--seed")?;
    let process: u64 = arguments.required("--process")?;
    let writers: u64 = arguments.required("--writers")?;
    arguments.end()?;
    let mut owner = Owner::listen();

    let stop = Arc::new(AtomicBool::new(false));
    let store = database.open().await?;
    let mut tasks = JoinSet::new();
    for writer in 0..=writers {
        let is_last = writer == writers;
        // Where the database can be made to be slow.
        let hinders = is_last && !matches!(database, Database::JetStream(_));
        let store = if is_last {
            database.open().await?
        } else {
            Arc::clone(&store)
        };
        let mut writer = Writer::new(store, Plan::new(seed, process, writer, hinders), database.patience());
        let stop = Arc::clone(&stop);
        tasks.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                writer.step().await?;
            }
            anyhow::Ok(writer.tally())
        });
    }

    let mut tally = Tally::default();
    loop {
        tokio::select! {
            _ = owner.hear() => stop.store(true, Ordering::Relaxed),
            ended = tasks.join_next() => match ended {
                Some(ended) => tally += ended??,
                None => break,
            },
        }
    }
    sleep(AFTERWARDS).await;
    let Tally {
        conflicts,
        duplicates,
        rolled_back,
        refused,
        unknown,
        settled,
        unanswered,
    } = tally;
    say(&format!(
        "tally {conflicts} {duplicates} {rolled_back} {refused} {unknown} {settled} {unanswered}"
    ));
    Ok(std::process::ExitCode::SUCCESS)
}
