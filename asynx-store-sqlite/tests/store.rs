//! What the store does beyond the laws.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod common;

use std::time::Duration;

use asynx_core::store::{AppendError, AppendGroup, HeadQuery, LogFilter, LogQuery};
use asynx_core::{EventName, Store, Version};
use asynx_store_sqlite::{SqliteOptions, SqliteStore, Synchronous};
use asynx_testkit::samples;
use common::{Folder, append, log, open, shell, stream};
use futures::{FutureExt, poll};
use sqlx::{AssertSqlSafe, Connection, Executor, Row};

#[tokio::test]
async fn what_was_stored_is_there_when_the_file_is_opened_again() {
    let folder = Folder::new();
    let store = open(&folder).await;
    let event = samples::event(1);
    let position = store.append(&stream("a"), event.clone()).await.unwrap();
    store.close().await;
    assert!(!folder.beside("-wal").exists(), "a closed store is one file");
    let store = open(&folder).await;
    let found = store.read_from(&stream("a"), Version::FIRST).await.unwrap();
    assert_eq!(found[0].record, event.record);
    assert_eq!(found[0].position, position);
}

#[tokio::test]
async fn clones_share_and_a_closed_store_says_so() {
    let folder = Folder::new();
    let store = open(&folder).await;
    let clone = store.clone();
    clone.append(&stream("a"), samples::event(1)).await.unwrap();
    assert_eq!(store.count(&stream("a"), Version::FIRST).await.unwrap(), 1);
    store.close().await;
    let read = clone.count(&stream("a"), Version::FIRST).await.unwrap_err();
    assert!(read.to_string().ends_with("store.db\" was closed"), "{read}");
    let written = clone.append(&stream("a"), samples::event(2)).await.unwrap_err();
    assert!(
        matches!(&written, AppendError::NotApplied(error) if !error.is_transient()),
        "{written:?}"
    );
}

#[tokio::test]
async fn links_lead_to_the_same_store() {
    let folder = Folder::new();
    let store = open(&folder).await;
    let link = folder.path().join("link.db");
    std::os::unix::fs::symlink(folder.file(), &link).unwrap();
    let linked = SqliteStore::open(&link).await.unwrap();
    let category = &stream("a").category;
    let lease = store.sole_writer().unwrap().acquire(category).await.unwrap();
    assert!(lease.is_some());
    let second = linked.sole_writer().unwrap().acquire(category).await.unwrap();
    assert!(second.is_none(), "a lease was given twice for one file");
}

#[tokio::test]
async fn the_printed_schema_makes_a_store() {
    let folder = Folder::new();
    let mut shell = shell(&folder).await;
    let printed = sqlx::raw_sql(AssertSqlSafe(SqliteStore::print_schema()));
    printed.execute(&mut shell).await.unwrap();
    shell.close().await.unwrap();
    let store = open(&folder).await;
    store.append(&stream("a"), samples::event(1)).await.unwrap();
}

#[tokio::test]
async fn the_file_is_set_up_as_promised() {
    let folder = Folder::new();
    let store = open(&folder).await;
    let mut shell = shell(&folder).await;
    let marks = "SELECT a.application_id, u.user_version, j.journal_mode
        FROM pragma_application_id AS a, pragma_user_version AS u, pragma_journal_mode AS j";
    let marks = sqlx::query(marks).fetch_one(&mut shell).await.unwrap();
    assert_eq!(marks.get::<i64, _>(0), i64::from(u32::from_be_bytes(*b"asyn")));
    assert_eq!(marks.get::<i64, _>(1), 2);
    assert_eq!(marks.get::<String, _>(2), "wal");
    drop(store);
}

#[tokio::test]
async fn people_can_read_the_events() {
    let folder = Folder::new();
    let store = open(&folder).await;
    let mut event = samples::carrying(1, "it's 🦀");
    event.occurred_at = asynx_core::Timestamp::from_micros(1_795_251_102_000_001);
    store.append(&stream("a"), event.clone()).await.unwrap();
    let mut shell = shell(&folder).await;
    let sql = "SELECT category, aggregate_id, version, event_name, occurred_at, event_id,
        json_extract(record, '$.patch[0].value.text') FROM asynx_events_json";
    let row = sqlx::query(sql).fetch_one(&mut shell).await.unwrap();
    assert_eq!(row.get::<String, _>(0), "test");
    assert_eq!(row.get::<String, _>(1), "a");
    assert_eq!(row.get::<i64, _>(2), 1);
    assert_eq!(row.get::<String, _>(3), event.event_name.as_str());
    assert_eq!(row.get::<String, _>(4), event.occurred_at.to_string());
    assert_eq!(row.get::<String, _>(5), event.event_id.to_string());
    assert_eq!(row.get::<String, _>(6), "it's 🦀");
    shell.close().await.unwrap();
}

/// What `docs/sqlite.md` says of long transactions.
#[tokio::test]
async fn a_long_read_hinders_nobody_and_lets_the_log_grow() {
    let folder = Folder::new();
    let store = open(&folder).await;
    store.append(&stream("a"), samples::event(1)).await.unwrap();
    let mut reader = shell(&folder).await;
    reader.execute("BEGIN").await.unwrap();
    let count = "SELECT count(*) FROM asynx_events";
    let seen = |row: sqlx::sqlite::SqliteRow| row.get::<i64, _>(0);
    assert_eq!(seen(reader.fetch_one(count).await.unwrap()), 1);
    append(&store, samples::group(&stream("a"), 2, 100)).await;
    assert_eq!(log(&store, None, 1000).await.len(), 101);
    assert_eq!(seen(reader.fetch_one(count).await.unwrap()), 1);
    let mut other = shell(&folder).await;
    let checkpoint = "PRAGMA wal_checkpoint(PASSIVE)";
    let pages = |row: sqlx::sqlite::SqliteRow| (row.get::<i64, _>(1), row.get::<i64, _>(2));
    let (in_log, copied) = pages(other.fetch_one(checkpoint).await.unwrap());
    assert!(copied < in_log, "{copied} of {in_log}");
    reader.execute("COMMIT").await.unwrap();
    let (in_log, copied) = pages(other.fetch_one(checkpoint).await.unwrap());
    assert_eq!(in_log, copied);
}

#[tokio::test]
async fn normal_synchronisation_keeps_everything_but_a_loss_of_power() {
    let folder = Folder::new();
    let options = SqliteOptions::new()
        .with_synchronous(Synchronous::Normal)
        .with_readers(1)
        .with_batch(2, 100);
    let store = SqliteStore::open_with(folder.file(), options).await.unwrap();
    let outcome = append(&store, samples::group(&stream("a"), 1, 700)).await;
    assert!(outcome.stopped.is_none(), "{outcome:?}");
    assert_eq!(log(&store, None, 1000).await.len(), 700);
}

#[tokio::test(flavor = "multi_thread")]
async fn large_batches_are_stored_whole() {
    let folder = Folder::new();
    let store = open(&folder).await;
    // Many streams, some of them known, some new; and many events of one stream.
    for round in 0..2 {
        let groups = (0..600).map(|n| samples::group(&stream(n.to_string()), 1 + round, 1));
        let outcomes = store.append_batch(&groups.collect::<Vec<_>>()).await;
        assert!(outcomes.iter().all(|outcome| outcome.stopped.is_none()));
    }
    let groups = [
        samples::group(&stream("long"), 1, 1000),
        samples::group(&stream("other"), 1, 3),
    ];
    let outcomes = store.append_batch(&groups).await;
    assert!(outcomes.iter().all(|outcome| outcome.stopped.is_none()));
    assert_eq!(log(&store, None, 100).await.len(), 2 * 600 + 1003);
    for (group, outcome) in groups.iter().zip(outcomes) {
        let read = store.read_from(&group.stream, Version::FIRST).await.unwrap();
        let records: Vec<_> = read.iter().map(|event| &event.record).collect();
        let expected: Vec<_> = group.events.iter().map(|event| &event.record).collect();
        assert_eq!(records, expected);
        let positions: Vec<_> = read.iter().map(|event| event.position).collect();
        assert_eq!(positions, outcome.applied);
    }
}

#[tokio::test]
async fn one_id_in_two_streams_is_two_events() {
    let folder = Folder::new();
    let store = open(&folder).await;
    let id = samples::event(1).event_id;
    for name in ["a", "b"] {
        store.append(&stream(name), samples::with_id(1, id)).await.unwrap();
    }
    let queries = ["a", "b", "c"].map(|name| HeadQuery {
        stream: stream(name),
        event_id: Some(id),
    });
    let heads = store.heads(&queries).await.unwrap();
    let positions: Vec<_> = heads
        .into_iter()
        .map(|head| head.found.and_then(|found| found.position))
        .collect();
    assert_eq!(positions.len(), 3);
    assert!(positions[0].is_some() && positions[0] < positions[1] && positions[2].is_none());
}

#[tokio::test]
async fn own_appends_wake_at_once_and_those_of_others_after_the_interval() {
    let folder = Folder::new();
    let options = SqliteOptions::new().with_poll_interval(Duration::from_secs(3600));
    let patient = SqliteStore::open_with(folder.file(), options).await.unwrap();
    let options = SqliteOptions::new().with_poll_interval(Duration::from_millis(20));
    let eager = SqliteStore::open_with(folder.file(), options).await.unwrap();
    let within = |call| tokio::time::timeout(Duration::from_secs(20), call);
    let mut waiting = patient.log().unwrap().changed(None);
    assert!(poll!(&mut waiting).is_pending());
    let position = patient.append(&stream("a"), samples::event(1)).await.unwrap();
    within(waiting).await.expect("an append through the same store wakes");
    // Refused appends wake nobody, and what has happened already needs no wait.
    let mut waiting = patient.log().unwrap().changed(position);
    assert!(patient.append(&stream("a"), samples::event(1)).await.is_err());
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(poll!(&mut waiting).is_pending());
    within(eager.log().unwrap().changed(None))
        .await
        .expect("there is an event");
    // Another store on the same file is as another process.
    let mut waiting = eager.log().unwrap().changed(position);
    assert!(poll!(&mut waiting).is_pending());
    patient.append(&stream("a"), samples::event(2)).await.unwrap();
    within(waiting).await.expect("another's append is noticed");
}

#[tokio::test]
async fn positions_are_not_given_again() {
    let folder = Folder::new();
    let store = open(&folder).await;
    let first = store.append(&stream("a"), samples::event(1)).await.unwrap();
    store.delete(&stream("a")).await.unwrap();
    let log = store.log().unwrap();
    assert_eq!(log.end().await.unwrap(), first);
    store.close().await;
    let store = open(&folder).await;
    let second = store.append(&stream("a"), samples::event(1)).await.unwrap();
    assert!(second > first);
}

#[tokio::test]
async fn a_reader_passes_what_it_does_not_want_page_by_page() {
    const FOREIGN: u64 = 45_000;
    let folder = Folder::new();
    let store = open(&folder).await;
    for from in (1..FOREIGN).step_by(5000) {
        let outcome = append(&store, samples::group(&stream("foreign"), from, 5000)).await;
        assert!(outcome.stopped.is_none(), "{outcome:?}");
    }
    store.append(&stream("a"), samples::named(1, "Rare")).await.unwrap();
    let rare = LogFilter {
        event_names: vec![EventName::parse("Rare").unwrap()],
        ..LogFilter::default()
    };
    let mut query = LogQuery {
        after: None,
        filter: rare.clone(),
        max_events: 10,
        max_bytes: 1000,
    };
    let (mut pages, mut given) = (0, 0);
    loop {
        let page = store.log().unwrap().read(&query).await.unwrap();
        assert!(page.at_end || page.next > query.after, "a page does not advance");
        pages += 1;
        given += page.events.len();
        query.after = page.next;
        if page.at_end {
            break;
        }
    }
    assert_eq!((pages, given), (3, 1));
    // A stream is found at once, wherever it is.
    query = LogQuery {
        after: None,
        filter: LogFilter {
            streams: vec![stream("a")],
            ..LogFilter::default()
        },
        ..query
    };
    let page = store.log().unwrap().read(&query).await.unwrap();
    assert_eq!((page.events.len(), page.at_end), (1, true));
    // And how much there is to read, without reading it.
    let log = store.log().unwrap();
    let foreign = LogFilter {
        streams: vec![stream("foreign"), stream("foreign")],
        ..LogFilter::default()
    };
    let all = LogFilter::default();
    for (filter, most, expected) in [
        (&query.filter, 10, 1),
        (&rare, 10, 1),
        (&all, u64::MAX, FOREIGN + 1),
        (&all, 7, 7),
        (&foreign, u64::MAX, FOREIGN),
        (&foreign, 30_000, 30_000),
    ] {
        assert_eq!(log.count(None, filter, most).await.unwrap(), expected, "{filter:?}");
    }
    let end = log.end().await.unwrap();
    assert_eq!(log.count(end, &all, 10).await.unwrap(), 0);
    let beyond = end.map(|end| asynx_core::Position::new([0, 0, end.parts()[2] + 1]));
    assert!(log.count(beyond, &all, 10).await.is_err());
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_that_are_dropped_at_any_moment_hinder_nobody() {
    let folder = Folder::new();
    let stores = [open(&folder).await, SqliteStore::in_memory().await.unwrap()];
    for store in stores {
        for round in 0..400_u64 {
            let a = stream((round / 8).to_string());
            let pause = || tokio::time::sleep(Duration::from_micros(round));
            let mut write = store.delete(&a).boxed().fuse();
            let mut read = store.read_from(&a, Version::FIRST).boxed().fuse();
            for _ in 0..round % 8 {
                let _ = poll!(&mut write);
                let _ = poll!(&mut read);
                pause().await;
            }
            drop((write, read));
            let next = Version::after(
                store
                    .heads(&[HeadQuery {
                        stream: a.clone(),
                        event_id: None,
                    }])
                    .await
                    .unwrap()[0]
                    .version,
            );
            match store.append(&a, samples::event(next.get())).await {
                // The delete came through in between.
                Ok(_) | Err(AppendError::Conflict) => {}
                Err(error) => panic!("{error:?}"),
            }
        }
        store.close().await;
    }
}

#[tokio::test]
async fn a_group_with_a_gap_fails_alone() {
    let store = SqliteStore::in_memory().await.unwrap();
    let gap = AppendGroup {
        stream: stream("gap"),
        events: vec![samples::event(1), samples::event(3)],
    };
    let empty = AppendGroup {
        stream: stream("empty"),
        events: Vec::new(),
    };
    let outcomes = store
        .append_batch(&[gap, samples::group(&stream("a"), 1, 2), empty])
        .await;
    let refused =
        |error: &Option<AppendError>| matches!(error, Some(AppendError::NotApplied(error)) if !error.is_transient());
    assert!(refused(&outcomes[0].stopped), "{outcomes:?}");
    assert!(outcomes[1].stopped.is_none() && outcomes[1].applied.len() == 2);
    assert!(outcomes[2].stopped.is_none() && outcomes[2].applied.is_empty());
}

#[test]
fn without_a_runtime_the_store_says_what_it_needs() {
    let folder = Folder::new();
    let opened = smol::block_on(SqliteStore::open(folder.file()));
    #[cfg(not(feature = "smol"))]
    {
        let error = opened.unwrap_err();
        assert_eq!(
            error.to_string(),
            "no runtime: open the store within tokio, or give one by `SqliteOptions::with_runtime`"
        );
        assert!(!folder.file().exists());
    }
    #[cfg(feature = "smol")]
    assert!(opened.is_ok(), "smol needs nothing: {opened:?}");
}
