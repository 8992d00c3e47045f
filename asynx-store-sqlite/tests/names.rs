//! Names are values, never SQL.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod common;

use asynx_core::store::{ForgetPolicy, HeadQuery, Load, LogFilter, LogQuery, Snapshot};
use asynx_core::{Category, EventId, EventName, Position, SchemaVersion, Store, StreamId, Version};
use asynx_store_sqlite::SqliteStore;
use asynx_testkit::{ThreadRuntime, samples};
use bytes::Bytes;
use common::{Folder, log, open, shell};
use sqlx::{Connection, Row};

/// Quotes, backslashes, SQL, placeholders, JSON, patterns, unicode, and what editors do not show.
const NASTY: &[&str] = &[
    "'",
    "''",
    "\"",
    "`",
    "\\",
    "\\'",
    "\\\"",
    "'; DROP TABLE asynx_events; --",
    "\"; DROP TABLE asynx_streams; --",
    "' OR '1'='1",
    "1; SELECT * FROM sqlite_schema",
    "/* comment */",
    "-- comment",
    "?",
    "?1",
    ":name",
    "@name",
    "$1",
    "[]",
    "[\"a\"]",
    "{\"a\": 1}",
    "\\u0000",
    "%",
    "_",
    "*",
    "NULL",
    "null",
    "0",
    "1.0",
    "x'00'",
    "\n",
    "\r\n\t",
    "\u{1}\u{1f}\u{7f}",
    "\u{2028}\u{feff}\u{200b}",
    "Ünïcödé",
    "日本語 🦀",
    "ﷺ\u{301}\u{10ffff}",
];

fn streams() -> Vec<StreamId> {
    let streams = NASTY.iter().zip(NASTY.iter().cycle().skip(1));
    streams
        .map(|(category, id)| StreamId::parse(category, id).unwrap())
        .collect()
}

fn named(version: u64, name: &str) -> asynx_core::store::NewEvent {
    let name = EventName::parse(name).unwrap();
    samples::made_of(version, EventId::generate(&ThreadRuntime), name, "")
}

fn snapshot(text: &str) -> Snapshot {
    Snapshot {
        version: Version::FIRST,
        schema_version: SchemaVersion::FIRST,
        document: Bytes::from(format!("{text:?}")),
    }
}

async fn filtered(store: &SqliteStore, filter: LogFilter) -> Vec<(StreamId, EventName)> {
    let query = LogQuery {
        after: None,
        filter,
        max_events: 1000,
        max_bytes: usize::MAX,
    };
    let page = store.log().unwrap().read(&query).await.unwrap();
    assert!(page.at_end);
    page.events
        .into_iter()
        .map(|event| (event.stream, event.event_name))
        .collect()
}

#[tokio::test]
async fn names_come_back_as_they_were_given() {
    let folder = Folder::new();
    let store = open(&folder).await;
    for (stream, name) in streams().iter().zip(NASTY) {
        let event = named(1, name);
        store.append(stream, event.clone()).await.unwrap();
        let read = store.read_from(stream, Version::FIRST).await.unwrap();
        assert_eq!(read[0].record, event.record);
        let query = HeadQuery {
            stream: stream.clone(),
            event_id: Some(event.event_id),
        };
        let head = store.heads(&[query]).await.unwrap().remove(0);
        assert_eq!((head.version, head.found.is_some()), (Version::new(1), true));
        let load = Load {
            stream: stream.clone(),
            from: None,
            snapshot: Some(SchemaVersion::FIRST),
            limit: 10,
        };
        assert_eq!(store.load(&[load]).await.unwrap()[0].events.len(), 1);
    }
    let logged = log(&store, None, 7).await;
    for ((stream, name), event) in streams().into_iter().zip(NASTY).zip(logged) {
        assert_eq!((&event.stream, event.event_name.as_str()), (&stream, *name));
    }
}

#[tokio::test]
async fn filters_find_what_they_name() {
    let folder = Folder::new();
    let store = open(&folder).await;
    for (stream, name) in streams().iter().zip(NASTY) {
        store.append(stream, named(1, name)).await.unwrap();
    }
    for (stream, name) in streams().iter().zip(NASTY) {
        let name = EventName::parse(name).unwrap();
        let expected = [(stream.clone(), name.clone())];
        let by_category = LogFilter {
            categories: vec![stream.category.clone()],
            ..LogFilter::default()
        };
        let by_name = LogFilter {
            event_names: vec![name],
            ..LogFilter::default()
        };
        let by_stream = LogFilter {
            streams: vec![stream.clone()],
            ..LogFilter::default()
        };
        for filter in [by_category, by_name, by_stream] {
            assert_eq!(filtered(&store, filter).await, expected);
        }
    }
}

#[tokio::test]
async fn snapshots_forgets_readers_and_leases_too() {
    let folder = Folder::new();
    let store = open(&folder).await;
    let (snapshots, erase) = (store.snapshots().unwrap(), Store::erase(&store).unwrap());
    let (checkpoints, writer) = (store.checkpoints().unwrap(), store.sole_writer().unwrap());
    let mut leases = Vec::new();
    for (stream, name) in streams().iter().zip(NASTY) {
        store.append(stream, samples::event(1)).await.unwrap();
        snapshots.put(stream, snapshot(name)).await.unwrap();
        let claimed = checkpoints.claim(name).await.unwrap();
        assert_eq!(claimed.fence, 1, "{name:?} is another reader's name");
        let position = Some(Position::new([1, 2, 3]));
        assert!(checkpoints.put(name, position, 1).await.unwrap());
        let lease = writer.acquire(&stream.category).await.unwrap();
        leases.push(lease.expect("each category has a lease of its own"));
    }
    for (stream, name) in streams().iter().zip(NASTY) {
        let found = snapshots.get(stream, SchemaVersion::FIRST).await.unwrap();
        assert_eq!(found, Some(snapshot(name)));
        let second = writer.acquire(&stream.category).await.unwrap();
        assert!(second.is_none());
        store.append(stream, samples::tombstone(2)).await.unwrap();
        assert_eq!(erase.pending(&stream.category).await.unwrap().len(), 1);
        let through = Version::FIRST.next();
        let erased = erase.erase_through(stream, through, ForgetPolicy::KeepRows).await;
        erased.unwrap();
        assert_eq!(snapshots.get(stream, SchemaVersion::FIRST).await.unwrap(), None);
        assert!(erase.pending(&stream.category).await.unwrap().is_empty());
        assert!(checkpoints.remove(name, 1).await.unwrap());
    }
    let last = streams().pop().unwrap();
    store.delete(&last).await.unwrap();
    assert_eq!(log(&store, None, 100).await.len(), 2 * (NASTY.len() - 1));
    assert!(leases.iter().all(|lease| lease.is_held()));
    // Nothing was made or dropped on the way.
    let mut shell = shell(&folder).await;
    let tables = "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'asynx!_%' ESCAPE '!'";
    let tables = sqlx::query(tables).fetch_one(&mut shell).await.unwrap();
    assert_eq!(tables.get::<i64, _>(0), 14);
    shell.close().await.unwrap();
}

#[test]
fn the_names_differ() {
    let categories: std::collections::BTreeSet<_> = NASTY
        .iter()
        .map(|name| Category::parse(name).unwrap().to_string())
        .collect();
    assert_eq!(categories.len(), NASTY.len());
}
