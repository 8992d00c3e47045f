//! Transfers between accounts, which no single command can make, by a process manager that is killed again and again.

mod account;
mod carrier;
mod transfer;

use std::error::Error;
use std::num::NonZeroUsize;
use std::process::{Command, ExitCode};
use std::sync::Arc;
use std::sync::atomic::AtomicU32;
use std::time::Duration;

use asynx::Asynx;
use asynx::projection::{Detached, Engine, OnPoison, ProjectionOptions, State, Typed};
use asynx::runtime::TokioRuntime;
use asynx::store::SqliteStore;
use asynx_examples::say;
use futures::StreamExt;

use crate::account::{Account, OnAccount, Step};
use crate::carrier::Carrier;
use crate::transfer::{Request, Transfer};

const FILE: &str = "bank.db";
/// Whose account, how many cents are on it, and whether it is closed.
const ACCOUNTS: [(&str, u64, bool); 4] = [
    ("ada", 10_000, false),
    ("ben", 5_000, false),
    ("cleo", 2_000, false),
    ("dan", 0, true),
];
/// From, to, how many cents.
const TRANSFERS: [(&str, &str, u64); 4] = [
    ("ada", "ben", 3_000),
    ("ben", "dan", 4_000),
    ("cleo", "ada", 9_900),
    ("ada", "cleo", 4_550),
];
/// After how many movements of money each process dies; the last one lives.
const LIVES: [u32; 5] = [1, 2, 3, 2, 0];
const PATIENCE: Duration = Duration::from_secs(60);

type Result<T, E = Box<dyn Error + Send + Sync>> = std::result::Result<T, E>;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let ran = match arguments.as_slice() {
        [] => run().await,
        // One of the processes that it starts.
        [word, dies_after] if word == "carry" => carry(dies_after.parse().unwrap_or(0)).await,
        _ => Err("usage: bank".into()),
    };
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<()> {
    for end in ["", "-wal", "-shm"] {
        // Of an earlier run, if there was one.
        let _ = std::fs::remove_file(format!("{FILE}{end}"));
    }
    let store = SqliteStore::open(FILE).await?;
    let accounts = Asynx::<Account>::builder().store(store.clone()).build().await?;
    let transfers = Asynx::<Transfer>::builder().store(store.clone()).build().await?;

    say!("Step 1: Accounts...");
    for (account, cents, closed) in ACCOUNTS {
        let (account, step) = (account.to_owned(), Step::Open { cents, closed });
        accounts.send(OnAccount { account, step }).await?;
    }
    show_accounts(&accounts).await?;

    say!("Step 2: Transfers are asked for...");
    for (number, (from, to, cents)) in (1..).zip(TRANSFERS) {
        let (id, from, to) = (format!("T-{number}"), from.to_owned(), to.to_owned());
        say!("        {id}: {} from {from} to {to}", money(cents));
        transfers.send(Request { id, from, to, cents }).await?;
    }

    say!("Step 3: They are carried out, by processes that die...");
    for (number, dies_after) in (1..).zip(LIVES) {
        say!("        process {number}");
        let mut process = Command::new(std::env::current_exe()?);
        let ended = process.args(["carry", &dies_after.to_string()]).status()?;
        if ended.success() != (dies_after == 0) {
            return Err(format!("process {number} ended with {ended}").into());
        }
    }

    say!("Step 4: What became of it...");
    for number in 1..=TRANSFERS.len() {
        let id = format!("T-{number}");
        let transfer = transfers.get(&id).await?;
        let why = transfer
            .why
            .as_deref()
            .map(|why| format!(": {why}"))
            .unwrap_or_default();
        say!("        {id}: {}{why}", transfer.stage);
    }
    show_accounts(&accounts).await?;
    accounts.shutdown(PATIENCE).await?;
    transfers.shutdown(PATIENCE).await?;
    Ok(())
}

/// Carries transfers out until there is nothing left to do, or it dies.
async fn carry(dies_after: u32) -> Result<()> {
    let store = SqliteStore::open(FILE).await?;
    let carrier = Carrier {
        accounts: Asynx::builder().store(store.clone()).build().await?,
        transfers: Asynx::builder().store(store.clone()).build().await?,
        dies_after,
        moved: AtomicU32::new(0),
    };
    let engine = Engine::builder(store, Arc::new(TokioRuntime::current()?)).build()?;
    let options = ProjectionOptions::new()
        .with_batch(NonZeroUsize::MIN)
        // A transfer that cannot be carried on is not put aside: somebody has to look.
        .with_on_poison(OnPoison::Halt)
        // Who takes over from a process that died waits so long.
        .with_lease_time(Duration::from_secs(1));
    let carrying = engine.run("carrier", options, Typed::new, Detached(carrier))?;
    let mut statuses = carrying.watch();
    while let Some(status) = statuses.next().await {
        match status.state {
            State::Live => break,
            State::Failed => return Err(format!("the carrier stands at an error: {:?}", status.last_error).into()),
            _ => {}
        }
    }
    engine.stop(PATIENCE).await;
    Ok(())
}

async fn show_accounts(accounts: &Asynx<Account>) -> Result<()> {
    let (mut shown, mut sum) = (Vec::new(), 0);
    for (id, ..) in ACCOUNTS {
        let account = accounts.get(id).await?;
        let closed = if account.closed { " (closed)" } else { "" };
        shown.push(format!("{id} {}{closed}", money(account.cents)));
        sum += account.cents + account.under_way.values().sum::<u64>();
    }
    say!("        {}: {} together", shown.join(", "), money(sum));
    Ok(())
}

fn money(cents: u64) -> String {
    format!("{}.{:02}", cents / 100, cents % 100)
}
