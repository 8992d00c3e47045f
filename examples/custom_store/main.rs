//! A store of one's own at work: events as files in a folder, and a restart that loses nothing.

mod domain;
mod file_store;
mod folder;

use std::error::Error;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use asynx::Asynx;
use asynx_examples::say;

use crate::domain::{Account, Deposit, Withdraw};
use crate::file_store::FileStore;

/// The last one shows what becomes of an id that is no file name.
const ACCOUNTS: [&str; 3] = ["alice", "bob", "Zoë/2"];

#[tokio::main]
async fn main() -> ExitCode {
    match start().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprint!("error: {error}");
            let mut cause = error.source();
            while let Some(error) = cause {
                eprint!(": {error}");
                cause = error.source();
            }
            eprintln!();
            ExitCode::FAILURE
        }
    }
}

async fn start() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [] => {
            let folder = std::env::temp_dir().join(format!("asynx-custom-store-{}", std::process::id()));
            let ran = run(&folder).await;
            let _ = fs::remove_dir_all(&folder);
            ran
        }
        [option, folder] if option == "--folder" => run(Path::new(folder)).await,
        _ => Err("usage: custom_store [--folder PATH]".into()),
    }
}

async fn run(folder: &Path) -> Result<(), Box<dyn Error>> {
    say!("=== asynx: a store of plain files ===\n");
    say!("Step 1: Opening the folder, sending commands...\n");
    let accounts = open(folder).await?;
    for (account, amount) in ACCOUNTS.into_iter().zip([100, 50, 70]) {
        let account = account.to_owned();
        let event = accounts.send(Deposit { account, amount }).await?;
        say!("{} {}: {}", event.aggregate_id, event.version, event.aggregate.balance);
    }
    let event = accounts
        .send(Withdraw {
            account: "alice".to_owned(),
            amount: 30,
        })
        .await?;
    say!("{} {}: {}", event.aggregate_id, event.version, event.aggregate.balance);
    accounts.shutdown(Duration::from_secs(5)).await?;
    drop(accounts);

    say!("\nStep 2: After a restart...\n");
    let accounts = open(folder).await?;
    for account in ACCOUNTS {
        say!("{account}: {}", accounts.get(account).await?.balance);
    }
    match accounts
        .send(Withdraw {
            account: "bob".to_owned(),
            amount: 1_000,
        })
        .await
    {
        Err(refused) => say!("✗ 1000 were not taken from bob: {refused}"),
        Ok(_) => return Err("an account was overdrawn".into()),
    }
    say!("\nThe events of alice:");
    accounts
        .replay("alice", .., |event| async move {
            say!("{} {} {}", event.version, event.event_name, event.patch_json());
        })
        .await?;
    accounts.shutdown(Duration::from_secs(5)).await?;

    say!("\nStep 3: What is in the folder...\n");
    for path in files(folder)? {
        say!("{}", path.strip_prefix(folder)?.display());
    }
    say!("\n✅ Done: every event is a file, and nothing is left unfinished.");
    Ok(())
}

/// What a process does when it starts.
async fn open(folder: &Path) -> Result<Asynx<Account>, Box<dyn Error>> {
    let store = FileStore::open(folder)?;
    Ok(Asynx::<Account>::builder().store(store).build().await?)
}

/// Every file below a folder, in the order of their paths.
fn files(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() {
            true => found.extend(files(&path)?),
            false => found.push(path),
        }
    }
    found.sort();
    Ok(found)
}
