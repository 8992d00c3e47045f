use std::process::ExitCode;

use anyhow::{Result, bail};

use super::compare::Verdict;
use super::crew::Crew;
use super::hinder::{Hinder, Watermark};
use super::options::Options;
use crate::arguments::Arguments;
use crate::database::Database;
use crate::process::until_interrupted;

/// Soaks a store.
pub(crate) async fn run(arguments: Arguments) -> Result<ExitCode> {
    let options = Options::parse(arguments)?;
    let database = Database::new(&options.store)?;
    let ended = until_interrupted(soak(&options, &database)).await;
    let removed = database.remove().await;
    let Some(code) = ended? else {
        return Ok(ExitCode::FAILURE);
    };
    removed?;
    Ok(code)
}

async fn soak(options: &Options, database: &Database) -> Result<ExitCode> {
    let Options {
        processes,
        writers,
        readers,
        seed,
        ..
    } = options;
    let last = match database {
        Database::JetStream(_) => "one on a handle of its own",
        Database::Postgres(_) | Database::Sqlite(_) => "one that hinders",
    };
    println!(
        "soak: {} seed {seed}: {processes} processes of {writers} writers and {last}, {readers} of readers, for {} s",
        options.store,
        options.time.as_secs()
    );
    let store = database.open().await?;
    let hinder = Hinder::start(database, *seed).await?;
    let mut crew = Crew::start(options, database, Watermark::of(database).await?)?;
    crew.go_on().await?;

    let ((), hindrances) = tokio::try_join!(crew.end_writers(), hinder.stop())?;
    let settled = crew.ledger.settle(&*store).await?;
    let mut verdict = crew.ledger.close();
    let Some(end) = crew.ledger.end() else {
        bail!("nothing was acknowledged, which proves nothing");
    };
    let [conflicts, duplicates, rolled_back, refused, unknown, again, unanswered] = crew.tally;
    let lasted = crew.watch.seconds();
    if database.patience().is_zero() {
        println!(
            "soak: wrote for {lasted:.0} s: {conflicts} conflicts, {rolled_back} rolled back, {refused} refused, {duplicates} \
             duplicates refused, {unknown} unknown of which {settled} are stored, {hindrances}"
        );
    } else {
        println!(
            "soak: wrote for {lasted:.0} s: {conflicts} conflicts, {duplicates} repeated appends refused, {hindrances}"
        );
        println!("soak: told not applied {refused} unknown {unknown} settled {again} unanswered {unanswered}");
    }
    let delivered = crew.end_readers(&end).await?;
    let ledger = &crew.ledger;

    let mut fewest = u64::MAX;
    for given in &delivered {
        let judged = ledger.judge(given);
        fewest = fewest.min(ledger.count() as u64 - judged.lost);
        verdict += judged;
    }
    verdict += std::mem::take(&mut crew.restarted);
    let wrong_heads = ledger.wrong_heads(&*store, database.patience()).await?;
    println!(
        "soak: {} uninterrupted readers, {} restarts of others which read {} events, {:.0} s in all",
        delivered.len(),
        crew.restarts,
        crew.restart_events,
        crew.watch.seconds()
    );
    tell(&verdict, wrong_heads);
    let committed = ledger.count();
    let Verdict {
        lost,
        twice,
        disordered,
        ..
    } = verdict;
    println!("committed {committed} delivered {fewest} lost {lost} twice {twice} disordered {disordered}");
    let is_answered = unanswered == 0 && (database.patience().is_zero() || unknown == again);
    let sound = verdict.is_sound() && wrong_heads == 0 && committed > 0 && crew.restarts > 0 && is_answered;
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn tell(verdict: &Verdict, wrong_heads: usize) {
    for example in &verdict.examples {
        println!("soak: {example}");
    }
    if verdict.unasked > 0 {
        println!(
            "soak: {} events were given that were not acknowledged like that",
            verdict.unasked
        );
    }
    if wrong_heads > 0 {
        println!("soak: {wrong_heads} streams have another head than their last event");
    }
}
