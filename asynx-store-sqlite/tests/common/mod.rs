//! What the tests share.
#![allow(dead_code, reason = "each test file uses its part")]

pub(crate) mod child;
pub(crate) mod fixture;
pub(crate) mod folder;
pub(crate) mod mirror;

use asynx_core::store::{AppendGroup, GroupOutcome, LogEvent, LogFilter, LogQuery};
use asynx_core::{Position, Store, StreamId};
use asynx_store_sqlite::SqliteStore;
use sqlx::Connection;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};

pub(crate) use self::folder::Folder;

pub(crate) fn stream(id: impl AsRef<str>) -> StreamId {
    StreamId::parse("test", id.as_ref()).expect("a valid id")
}

pub(crate) async fn open(folder: &Folder) -> SqliteStore {
    SqliteStore::open(folder.file()).await.expect("the store opens")
}

/// A connection as any other program has it.
pub(crate) async fn shell(folder: &Folder) -> SqliteConnection {
    let options = SqliteConnectOptions::new()
        .filename(folder.file())
        .create_if_missing(true)
        .foreign_keys(false);
    SqliteConnection::connect_with(&options)
        .await
        .expect("SQLite opens the file")
}

#[expect(clippy::disallowed_methods, reason = "tests are guests of tokio")]
pub(crate) fn spawn<T: Send + 'static>(task: impl Future<Output = T> + Send + 'static) -> tokio::task::JoinHandle<T> {
    tokio::spawn(task)
}

/// Appends one group.
pub(crate) async fn append(store: &SqliteStore, group: AppendGroup) -> GroupOutcome {
    store.append_batch(&[group]).await.remove(0)
}

/// All events after a position, by pages of so many.
pub(crate) async fn log(store: &SqliteStore, mut after: Option<Position>, max_events: usize) -> Vec<LogEvent> {
    let log = store.log().expect("the store has a log");
    let mut events = Vec::new();
    loop {
        let query = LogQuery {
            after,
            filter: LogFilter::default(),
            max_events,
            max_bytes: usize::MAX,
        };
        let page = log.read(&query).await.expect("the log can be read");
        events.extend(page.events);
        after = page.next;
        if page.at_end {
            return events;
        }
    }
}
