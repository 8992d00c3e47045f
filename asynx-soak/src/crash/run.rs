use std::process::ExitCode;

use anyhow::Result;

use super::options::Options;
use super::phase::Phase;
use crate::arguments::Arguments;
use crate::database::Database;
use crate::process::until_interrupted;

/// What each store has to live through.
fn phases(store: &str) -> &'static [Phase] {
    match store {
        "postgres" => &[Phase::Killed, Phase::Beside, Phase::Terminated, Phase::Restarted],
        "sqlite" => &[Phase::Killed, Phase::Beside],
        _ => &[
            Phase::Killed,
            Phase::Beside,
            Phase::Terminated,
            Phase::Restarted,
            Phase::Both,
        ],
    }
}

/// Crashes stores.
pub(crate) async fn run(arguments: Arguments) -> Result<ExitCode> {
    let options = Options::parse(arguments)?;
    let mut sound = true;
    for store in &options.stores {
        for phase in phases(store) {
            let rounds = phase.rounds(&options);
            if rounds == 0 {
                continue;
            }
            let database = Database::new(store)?;
            let ended = until_interrupted(phase.run(&options, &database)).await;
            let removed = database.remove().await;
            let Some(verdict) = ended? else {
                return Ok(ExitCode::FAILURE);
            };
            removed?;
            for example in &verdict.examples {
                println!("crash: {store}: {example}");
            }
            println!("crash: {store} {} {rounds} {verdict}", phase.name());
            sound &= verdict.is_sound();
        }
    }
    Ok(if sound { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}
