//! What `docs/sqlite.md` says about backups.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod common;

use asynx_core::Store;
use asynx_store_sqlite::SqliteStore;
use asynx_testkit::samples;
use common::{Folder, append, log, open, shell, stream};
use sqlx::{AssertSqlSafe, Connection, Executor};

async fn vacuum_into(folder: &Folder, copy: &Folder) {
    let mut shell = shell(folder).await;
    let sql = format!("VACUUM INTO '{}'", copy.file().display());
    shell.execute(AssertSqlSafe(sql)).await.unwrap();
    shell.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backup_beside_writers_is_a_prefix_of_the_log() {
    let (folder, copy) = (Folder::new(), Folder::new());
    let store = open(&folder).await;
    append(&store, samples::group(&stream("before"), 1, 200)).await;
    let writing = common::spawn({
        let store = store.clone();
        async move {
            for version in 1..=300 {
                store.append(&stream("beside"), samples::event(version)).await.unwrap();
            }
        }
    });
    vacuum_into(&folder, &copy).await;
    writing.await.unwrap();
    let all = log(&store, None, 1000).await;
    let restored = SqliteStore::open(copy.file()).await.unwrap();
    let copied = log(&restored, None, 1000).await;
    assert!(copied.len() >= 200);
    assert_eq!(copied, all[..copied.len()]);
    // It goes on as a store of its own.
    let position = restored.append(&stream("after"), samples::event(1)).await.unwrap();
    assert!(position > copied.last().map(|last| last.position));
}

#[tokio::test]
async fn a_backup_keeps_checkpoints_snapshots_and_the_end_of_the_log() {
    let (folder, copy) = (Folder::new(), Folder::new());
    let store = open(&folder).await;
    let end = store.append(&stream("gone"), samples::event(1)).await.unwrap();
    store.delete(&stream("gone")).await.unwrap();
    store.checkpoints().unwrap().claim("reader").await.unwrap();
    assert!(store.checkpoints().unwrap().put("reader", end, 1).await.unwrap());
    vacuum_into(&folder, &copy).await;
    let restored = SqliteStore::open(copy.file()).await.unwrap();
    assert_eq!(restored.log().unwrap().end().await.unwrap(), end);
    let claimed = restored.checkpoints().unwrap().claim("reader").await.unwrap();
    assert_eq!((claimed.position, claimed.fence), (end, 2));
}

/// A reader that keeps its checkpoint elsewhere has seen what an older backup does not hold.
#[tokio::test]
async fn after_an_older_backup_the_log_leaps_over_what_was_lost() {
    let (folder, copy) = (Folder::new(), Folder::new());
    let store = open(&folder).await;
    append(&store, samples::group(&stream("a"), 1, 10)).await;
    vacuum_into(&folder, &copy).await;
    let lost = append(&store, samples::group(&stream("a"), 11, 5)).await;
    let checkpoint = lost.applied[4];
    let mut shell = shell(&copy).await;
    let leap = "UPDATE sqlite_sequence SET seq = seq + 1000000 WHERE name = 'asynx_events'";
    shell.execute(leap).await.unwrap();
    shell.close().await.unwrap();
    let restored = SqliteStore::open(copy.file()).await.unwrap();
    let new = restored.append(&stream("a"), samples::event(11)).await.unwrap();
    let given = log(&restored, checkpoint, 10).await;
    assert_eq!(
        given.iter().map(|event| Some(event.position)).collect::<Vec<_>>(),
        [new]
    );
}

#[tokio::test]
async fn a_closed_store_is_one_file_to_copy() {
    let (folder, copy) = (Folder::new(), Folder::new());
    let store = open(&folder).await;
    append(&store, samples::group(&stream("a"), 1, 50)).await;
    store.close().await;
    std::fs::copy(folder.file(), copy.file()).unwrap();
    let restored = SqliteStore::open(copy.file()).await.unwrap();
    assert_eq!(log(&restored, None, 1000).await.len(), 50);
}

/// What was erased is not only unlinked: it is overwritten, in the file and, once the store is closed, in its log.
#[tokio::test]
async fn erased_payloads_are_not_in_the_file() {
    const SECRET: &str = "Ada Lovelace, 12 St James's Square";
    let folder = Folder::new();
    let store = open(&folder).await;
    for version in 1..=20 {
        let event = samples::carrying(version, &format!("{SECRET} {}", "x".repeat(500 * version as usize)));
        store.append(&stream("a"), event).await.unwrap();
    }
    let snapshot = asynx_core::store::Snapshot {
        version: asynx_core::Version::new(20).unwrap(),
        schema_version: asynx_core::SchemaVersion::FIRST,
        document: format!("{SECRET:?}").into(),
    };
    store.snapshots().unwrap().put(&stream("a"), snapshot).await.unwrap();
    store.append(&stream("a"), samples::tombstone(21)).await.unwrap();
    let is_there = || {
        let files = ["", "-wal"].map(|ending| std::fs::read(folder.beside(ending)).unwrap_or_default());
        let needle = SECRET.as_bytes();
        files
            .iter()
            .any(|bytes| bytes.windows(needle.len()).any(|window| window == needle))
    };
    assert!(is_there());
    let erase = Store::erase(&store).unwrap();
    let through = asynx_core::Version::new(21).unwrap();
    let policy = asynx_core::store::ForgetPolicy::KeepRows;
    erase.erase_through(&stream("a"), through, policy).await.unwrap();
    store.close().await;
    assert!(!is_there());
}
