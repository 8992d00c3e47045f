use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::Result;
use asynx::{Asynx, Error};
use asynx_core::{Applied, SendError};
use asynx_testkit::Random;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::words::{Answer, Call};
use crate::arguments::Arguments;
use crate::bank::{Account, Payment, handle, sabotaged};
use crate::clock::nanos;
use crate::database::Database;
use crate::process::{Owner, say};

/// What all fight for.
pub(super) const ACCOUNT: &str = "the-one";
/// How many call at once.
const CLIENTS: u64 = 6;

/// A process that calls until it is told to stop.
pub(crate) async fn fighter(mut arguments: Arguments) -> Result<ExitCode> {
    let database = Database::told(&mut arguments)?;
    let seed: u64 = arguments.required("--seed")?;
    let process: u64 = arguments.required("--process")?;
    let options = sabotaged(arguments.value("--sabotage")?)?;
    arguments.end()?;
    let mut owner = Owner::listen();

    let bank = handle(database.open().await?, options).await?;
    let stop = Arc::new(AtomicBool::new(false));
    let mut clients = JoinSet::new();
    for client in 0..CLIENTS {
        let mut fighter = Fighter {
            bank: bank.clone(),
            random: Random::seeded(seed ^ (process << 16 | client).wrapping_mul(0x9e37_79b9)),
        };
        let stop = Arc::clone(&stop);
        clients.spawn(async move {
            while !stop.load(Ordering::Relaxed) {
                let from = nanos();
                let answer = fighter.call().await?;
                say(&Call {
                    from,
                    to: nanos(),
                    answer,
                }
                .tell());
                sleep(Duration::from_micros(fighter.random.below(3_000))).await;
            }
            anyhow::Ok(())
        });
    }
    loop {
        tokio::select! {
            _ = owner.hear() => stop.store(true, Ordering::Relaxed),
            ended = clients.join_next() => match ended {
                Some(ended) => ended??,
                None => return Ok(ExitCode::SUCCESS),
            },
        }
    }
}

struct Fighter {
    bank: Asynx<Account>,
    random: Random,
}

impl Fighter {
    async fn call(&mut self) -> Result<Answer> {
        if self.random.chance(0.3) {
            return match self.bank.get(ACCOUNT).await {
                Ok(account) => Ok(Answer::Read {
                    version: account.turn,
                    balance: account.balance,
                }),
                Err(Error::NotFound { .. }) => Ok(Answer::Read { version: 0, balance: 0 }),
                Err(error) => Err(error.into()),
            };
        }
        // More is drawn than paid, so that there is often too little.
        let amount = i64::try_from(self.random.below(300)).unwrap_or(0) - 200;
        let payment = Payment {
            account: ACCOUNT.to_owned(),
            token: "-".to_owned(),
            amount,
        };
        Ok(match self.bank.send(payment).await {
            Ok(event) => Answer::Accepted {
                amount,
                version: event.version.get(),
                balance: event.aggregate.balance,
            },
            Err(SendError::Rejected(overdrawn)) => Answer::Rejected {
                amount,
                version: overdrawn.turn,
                balance: overdrawn.balance,
            },
            Err(SendError::Failed(error)) => {
                eprintln!("{error}");
                match error.applied() {
                    Applied::No => Answer::Failed,
                    Applied::Unknown | Applied::Yes => Answer::Unknown,
                }
            }
        })
    }
}
