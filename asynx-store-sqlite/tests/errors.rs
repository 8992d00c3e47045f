//! What is told when something is wrong with the file, and whether the write happened.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod common;

use std::error::Error;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use asynx_core::store::AppendError;
use asynx_core::{Store, StoreError, Version};
use asynx_store_sqlite::{SqliteOptions, SqliteStore};
use asynx_testkit::samples;
use common::child::{self, Process, role, tell};
use common::{Folder, append, log, open, shell, stream};
use sqlx::{Connection, Executor};

fn block_on<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.unwrap().block_on(future)
}

async fn refused(path: impl AsRef<Path>) -> StoreError {
    let error = SqliteStore::open(path).await.expect_err("the file is refused");
    assert!(!error.is_transient(), "{error}");
    error
}

/// Names the file, and ends like this.
fn says(error: &StoreError, folder: &Folder, end: &str) {
    let file = format!("{:?}", folder.file().display());
    assert_eq!(error.to_string(), format!("{file}{end}"));
}

async fn not_applied(store: &SqliteStore, version: u64) -> StoreError {
    match store.append(&stream("a"), samples::event(version)).await {
        Err(AppendError::NotApplied(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn paths_that_cannot_hold_a_store() {
    let folder = Folder::new();
    let begin = |path: &Path| format!("{:?} cannot hold a store: ", path.display());
    let missing = folder.path().join("missing/store.db");
    let error = refused(&missing).await;
    let directory = missing.parent().unwrap().display();
    let why = format!("its directory {:?} is not there, make it first", directory.to_string());
    assert_eq!(error.to_string(), begin(&missing) + &why);
    assert!(error.source().is_some());
    assert!(!missing.parent().unwrap().exists());
    let error = refused(folder.path()).await;
    assert_eq!(
        error.to_string(),
        begin(folder.path()) + "it is a directory, give a file in it"
    );
    let memory = Path::new(":memory:");
    let error = refused(memory).await;
    assert_eq!(
        error.to_string(),
        begin(memory) + "for a store in memory call `SqliteStore::in_memory`"
    );
    assert_eq!(refused("").await.to_string(), begin(Path::new("")) + "it names no file");
}

#[tokio::test]
async fn a_file_that_is_no_database() {
    let folder = Folder::new();
    let text = "Dear diary, today I was opened by a database. ".repeat(100);
    fs::write(folder.file(), &text).unwrap();
    let error = refused(folder.file()).await;
    says(
        &error,
        &folder,
        " is no SQLite database: give the store a file of its own",
    );
    assert_eq!(fs::read_to_string(folder.file()).unwrap(), text);
    // An empty file is as good as none.
    fs::write(folder.file(), "").unwrap();
    open(&folder).await;
}

#[tokio::test]
async fn a_database_of_something_else_is_left_alone() {
    let folder = Folder::new();
    for (sql, told) in [
        (
            "CREATE TABLE people (name TEXT)",
            "application id 0, 1 tables and indexes",
        ),
        ("PRAGMA application_id = 77", "application id 77, 0 tables and indexes"),
        ("PRAGMA user_version = 3", "application id 0, 0 tables and indexes"),
    ] {
        let mut shell = shell(&folder).await;
        shell.execute(sql).await.unwrap();
        shell.close().await.unwrap();
        let before = fs::read(folder.file()).unwrap();
        let error = refused(folder.file()).await;
        let end = format!(" belongs to another application ({told}): give the store a file of its own");
        says(&error, &folder, &end);
        assert!(fs::read(folder.file()).unwrap() == before, "the file was changed");
        fs::remove_file(folder.file()).unwrap();
    }
}

#[tokio::test]
async fn a_database_of_a_newer_asynx() {
    let folder = Folder::new();
    open(&folder).await.close().await;
    let mut shell = shell(&folder).await;
    shell.execute("PRAGMA user_version = 3").await.unwrap();
    shell.close().await.unwrap();
    let error = refused(folder.file()).await;
    says(
        &error,
        &folder,
        " has schema 3, this program knows up to 2: update the program",
    );
}

#[tokio::test]
async fn a_damaged_file() {
    let folder = Folder::new();
    let store = open(&folder).await;
    append(&store, samples::group(&stream("a"), 1, 500)).await;
    store.close().await;
    // Every page but those of the schema.
    let mut bytes = fs::read(folder.file()).unwrap();
    bytes[4096 * 22..].fill(0xaa);
    fs::write(folder.file(), bytes).unwrap();
    let store = open(&folder).await;
    let end = " is damaged: restore a backup; `PRAGMA integrity_check` tells what is wrong";
    let error = store.read_from(&stream("a"), Version::FIRST).await.unwrap_err();
    says(&error, &folder, end);
    assert!(!error.is_transient() && error.source().is_some());
    let error = not_applied(&store, 501).await;
    says(&error, &folder, end);
    assert!(!error.is_transient());
    drop(store);
    fs::write(folder.file(), [&b"SQLite format 3\0"[..], &[0xaa; 8000]].concat()).unwrap();
    let error = refused(folder.file()).await;
    assert!(error.source().is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_of_somebody_else() {
    let folder = Folder::new();
    let options = SqliteOptions::new().with_busy_timeout(Duration::from_millis(200));
    let store = SqliteStore::open_with(folder.file(), options).await.unwrap();
    store.append(&stream("a"), samples::event(1)).await.unwrap();
    let mut shell = shell(&folder).await;
    shell
        .execute("BEGIN IMMEDIATE; DELETE FROM asynx_leases")
        .await
        .unwrap();
    let error = not_applied(&store, 2).await;
    let end = " is locked: a transaction of another process, or a shell, is open for longer than the busy timeout";
    says(&error, &folder, end);
    assert!(error.is_transient());
    // Readers do not mind, and a store opens beside it.
    assert_eq!(log(&store, None, 10).await.len(), 1);
    let second = open(&folder).await;
    assert_eq!(log(&second, None, 10).await.len(), 1);
    // An append that still waits goes through when the other ends.
    let waiting = common::spawn(async move { second.append(&stream("a"), samples::event(2)).await });
    tokio::time::sleep(Duration::from_millis(100)).await;
    shell.execute("ROLLBACK").await.unwrap();
    assert!(waiting.await.unwrap().is_ok());
}

/// What is told of a file that this user may not write. Root may write everything, so it becomes somebody else.
#[test]
fn a_file_that_is_read_only() {
    const NAME: &str = "a_file_that_is_read_only";
    if let Some((_, folder)) = role() {
        return block_on(async {
            tell(
                SqliteStore::open(folder.join("store.db"))
                    .await
                    .expect_err("it is read-only"),
            );
        });
    }
    let end = " is read-only: give this process the right to write it and its directory";
    for with_log in [false, true] {
        let folder = Folder::new();
        block_on(async {
            let store = open(&folder).await;
            store.append(&stream("a"), samples::event(1)).await.unwrap();
            if !with_log {
                store.close().await;
            }
        });
        fs::set_permissions(folder.file(), fs::Permissions::from_mode(0o444)).unwrap();
        fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o777)).unwrap();
        let mut process = Process::of(as_nobody(&folder, NAME));
        let told = process.hear().expect("an error is told");
        process.succeed();
        assert_eq!(told, format!("{:?}{end}", folder.file().display()));
    }
}

/// This program in a place where everybody may run it.
fn as_nobody(folder: &Folder, test: &str) -> Command {
    let program = folder.path().join("program");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).unwrap();
    let mut command = child::command(&program, test, "nobody", folder.path());
    let is_root = fs::metadata("/proc/self").is_ok_and(|process| std::os::unix::fs::MetadataExt::uid(&process) == 0);
    if is_root {
        command.uid(65534).gid(65534);
    }
    command
}

/// Where the log cannot grow any more for another reason than a full disk, nobody knows at the commit what is on the
/// disk; and it is found out by appending again.
#[test]
fn a_commit_that_fails_at_the_disk_is_unknown() {
    const NAME: &str = "a_commit_that_fails_at_the_disk_is_unknown";
    if let Some((_, folder)) = role() {
        return block_on(async {
            let store = SqliteStore::open(folder.join("store.db")).await.unwrap();
            for version in 1.. {
                let event = samples::carrying(version, &"x".repeat(3000));
                match store.append(&stream("a"), event).await {
                    Ok(_) => tell(version),
                    Err(AppendError::Unknown(error)) => return tell(error),
                    Err(error) => panic!("{error:?}"),
                }
            }
        });
    }
    let folder = Folder::new();
    let mut limited = Command::new("sh");
    // Without the trap the signal would end the process. 2 MiB in blocks of 512 bytes.
    limited.args(["-c", "trap '' XFSZ; ulimit -f 4096; exec \"$0\" \"$@\""]);
    limited.arg(std::env::current_exe().unwrap());
    child::arguments(&mut limited, NAME, "limited", folder.path());
    let mut process = Process::of(limited);
    let mut told = process.hear_all();
    process.succeed();
    let error = told.pop().unwrap();
    let file = format!("{:?}", folder.file().display());
    assert_eq!(error, format!("the operating system failed to read or write {file}"));
    assert!(told.len() > 30, "{} appends", told.len());
    block_on(async {
        let store = open(&folder).await;
        let stored = store.count(&stream("a"), Version::FIRST).await.unwrap();
        let answered = told.len() as u64;
        assert!(stored == answered || stored == answered + 1, "{stored} of {answered}");
        store.append(&stream("a"), samples::event(stored + 1)).await.unwrap();
    });
}

#[tokio::test]
async fn a_row_that_somebody_else_wrote() {
    let folder = Folder::new();
    let store = open(&folder).await;
    append(&store, samples::group(&stream("a"), 1, 2)).await;
    let mut shell = shell(&folder).await;
    shell
        .execute("UPDATE asynx_events SET event_id = x'00' WHERE position = 1")
        .await
        .unwrap();
    let query = asynx_core::store::LogQuery {
        after: None,
        filter: asynx_core::store::LogFilter::default(),
        max_events: 10,
        max_bytes: 1000,
    };
    let error = store.log().unwrap().read(&query).await.unwrap_err();
    assert_eq!(
        error.to_string(),
        "a row of the database cannot be read: it was not written by asynx"
    );
    assert!(!error.is_transient() && error.source().is_some());
}

#[test]
fn a_path_that_is_no_text() {
    use std::os::unix::ffi::OsStringExt;

    let name = std::ffi::OsString::from_vec(b"store-\xff.db".to_vec());
    let folder = Folder::new();
    let path: PathBuf = folder.path().join(name);
    let error = block_on(refused(path));
    assert!(error.to_string().ends_with("SQLite wants paths in UTF-8"), "{error}");
}
