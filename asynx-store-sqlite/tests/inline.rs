//! Inline projections: what they make is neither behind nor ahead, and one that fails hurts only its group.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod common;

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use asynx_core::store::{AppendError, AppendGroup, ForgetPolicy, GroupOutcome, HeadQuery};
use asynx_core::{Store, StoreError, StreamId, Version};
use asynx_store_sqlite::{SqliteOptions, SqliteStore};
use asynx_testkit::samples;
use common::child::{Process, role, tell};
use common::mirror::Mirror;
use common::{Folder, shell, spawn, stream};
use sqlx::sqlite::SqliteConnection;
use sqlx::{AssertSqlSafe, Executor, Row};

fn with_mirror() -> SqliteOptions {
    version(1)
}

fn version(number: u32) -> SqliteOptions {
    let inline = Mirror::of_tests(&format!("mirror{number}")).with_version(number);
    SqliteOptions::new().with_inline(inline)
}

async fn prepared(folder: &Folder) -> SqliteStore {
    Mirror::prepare(folder, SqliteOptions::new(), "mirror1").await;
    SqliteStore::open_with(folder.file(), with_mirror()).await.unwrap()
}

async fn refused(folder: &Folder, options: SqliteOptions) -> String {
    let error = SqliteStore::open_with(folder.file(), options).await.unwrap_err();
    assert!(!error.is_transient(), "{error}");
    error.to_string()
}

fn group(id: &str, from: u64, count: u64) -> AppendGroup {
    samples::group(&stream(id), from, count)
}

fn not_applied(error: AppendError) -> StoreError {
    match error {
        AppendError::NotApplied(error) => error,
        other => panic!("{other:?}"),
    }
}

fn refusal(outcome: &GroupOutcome) -> StoreError {
    not_applied(outcome.stopped.clone().unwrap())
}

fn causes(error: &StoreError) -> String {
    let mut said = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        said += &format!(": {error}");
        cause = error.source();
    }
    said
}

async fn number(connection: &mut SqliteConnection, sql: &str) -> i64 {
    let row = connection.fetch_one(AssertSqlSafe(sql.to_owned())).await;
    row.unwrap().get(0)
}

/// What lives and is not in a mirror, or the other way round, at one moment.
async fn differences(connection: &mut SqliteConnection, mirror: &str) -> i64 {
    let alive = "SELECT s.category, s.aggregate_id, e.version, e.event_id
        FROM asynx_events e JOIN asynx_streams s USING (stream)
        WHERE e.event_name <> 'asynx.forgotten' AND s.category = 'test' AND e.version > s.floor";
    let sql = format!(
        "SELECT (SELECT count(*) FROM ({alive} EXCEPT SELECT * FROM {mirror}))
            + (SELECT count(*) FROM (SELECT * FROM {mirror} EXCEPT {alive}))"
    );
    number(connection, &sql).await
}

async fn head(store: &SqliteStore, stream: &StreamId) -> u64 {
    let query = HeadQuery {
        stream: stream.clone(),
        event_id: None,
    };
    let heads = store.heads(&[query]).await.unwrap();
    heads[0].version.map_or(0, Version::get)
}

/// Appends to a few streams until it is killed.
async fn write_for_ever(store: &SqliteStore) {
    for round in 0_u64.. {
        let mut groups = Vec::new();
        for stream in [stream(format!("s{}", round % 3)), stream(format!("t{}", round % 5))] {
            let head = head(store, &stream).await;
            groups.push(samples::group(&stream, head + 1, 1 + round % 3));
        }
        let stored = store.append_batch(&groups).await;
        if stored.iter().all(|outcome| outcome.stopped.is_none()) {
            tell(round);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_it_makes_is_neither_behind_nor_ahead_when_processes_are_killed() {
    if let Some((_, folder)) = role() {
        let store = SqliteStore::open_with(folder.join("store.db"), with_mirror())
            .await
            .unwrap();
        return write_for_ever(&store).await;
    }
    let folder = Arc::new(Folder::new());
    prepared(&folder).await.close().await;
    let (stop, looked_at) = (Arc::new(AtomicBool::new(false)), Arc::clone(&folder));
    let looking = Arc::clone(&stop);
    let reader = spawn(async move {
        let mut shell = shell(&looked_at).await;
        let mut looks = 0;
        while !looking.load(Ordering::Relaxed) {
            assert_eq!(differences(&mut shell, "mirror1").await, 0);
            looks += 1;
        }
        looks
    });
    for kills in 0..6 {
        let test = "what_it_makes_is_neither_behind_nor_ahead_when_processes_are_killed";
        let mut children: Vec<_> = (0..2).map(|_| Process::start(test, "writer", folder.path())).collect();
        for _ in 0..10 + kills {
            children[0].hear().unwrap();
        }
        children[0].kill();
        children[1].kill();
    }
    stop.store(true, Ordering::Relaxed);
    let looks = reader.await.unwrap();
    let mut shell = shell(&folder).await;
    assert_eq!(differences(&mut shell, "mirror1").await, 0);
    let rows = number(&mut shell, "SELECT count(*) FROM mirror1").await;
    println!("{rows} rows, {looks} looks");
    assert!(looks > 10 && rows > 60, "{looks} {rows}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_group_fails_alone() {
    let folder = Folder::new();
    let store = prepared(&folder).await;
    let ids = ["a", "!fail", "b", "!panic", "!wait", "c", "!rollback", "!retry", "d"];
    let groups: Vec<_> = ids.iter().map(|id| group(id, 1, 1)).collect();
    let outcomes = store.append_batch(&groups).await;
    for (group, outcome) in groups.iter().zip(&outcomes) {
        let id = group.stream.aggregate_id.as_str();
        if !id.starts_with('!') {
            assert!(
                outcome.stopped.is_none() && outcome.applied.len() == 1,
                "{id}: {outcome:?}"
            );
            continue;
        }
        let error = refusal(outcome);
        let said = causes(&error);
        assert_eq!(error.is_transient(), id == "!retry", "{said}");
        assert!(said.contains("nothing was written"), "{said}");
        let why = match id {
            "!fail" => "it was told to fail",
            "!panic" => "it panicked: it was told to panic",
            "!wait" => "it was not done within 1.5s",
            "!rollback" => "rolled the transaction back",
            _ => "it was told to be tried again",
        };
        assert!(said.contains(why), "{said}");
        if id != "!rollback" {
            let id_of_event = group.events[0].event_id;
            let named = format!(
                "version 1 of the inline projection \"mirror\" failed at SampleHappened {id_of_event} of test/{id} in \
                 version 1"
            );
            assert!(said.starts_with(&named), "{said}");
        }
        assert_eq!(store.count(&group.stream, Version::FIRST).await.unwrap(), 0);
    }
    let mut shell = shell(&folder).await;
    assert_eq!(number(&mut shell, "SELECT count(*) FROM mirror1").await, 4);
    assert_eq!(differences(&mut shell, "mirror1").await, 0);

    // Of one group, what comes before the bad event.
    let mut bad = group("e", 1, 5);
    bad.events[3] = samples::named(4, "Bad");
    let outcomes = store.append_batch(&[bad, group("f", 1, 2)]).await;
    assert_eq!((outcomes[0].applied.len(), outcomes[1].applied.len()), (3, 2));
    assert!(causes(&refusal(&outcomes[0])).contains("this event is bad"));
    assert_eq!(differences(&mut shell, "mirror1").await, 0);

    let outcome = store.append_batch(&[group("!commit", 1, 1)]).await.remove(0);
    let Some(AppendError::Unknown(error)) = &outcome.stopped else {
        panic!("{outcome:?}")
    };
    assert!(
        error.to_string().contains("committed the transaction itself"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_that_blocks_its_thread_holds_writers_up_until_it_is_done_and_no_longer() {
    let folder = Folder::new();
    let store = prepared(&folder).await;
    // As in a program that has something to do: tokio does not look at its clock where all other threads sleep.
    let busy = spawn(async {
        loop {
            tokio::task::yield_now().await;
        }
    });
    let outcome = store.append_batch(&[group("!block", 1, 1)]).await.remove(0);
    assert!(
        causes(&refusal(&outcome)).contains("not done within 1.5s"),
        "{outcome:?}"
    );
    store.append(&stream("a"), samples::event(1)).await.unwrap();
    busy.abort();
    assert_eq!(differences(&mut shell(&folder).await, "mirror1").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_call_appends_with_it_and_without() {
    let folder = Folder::new();
    let store = prepared(&folder).await;
    let other = StreamId::parse("invoice", "i").unwrap();
    let groups = [
        group("a", 1, 1),
        samples::group(&other, 1, 2),
        group("!fail", 1, 1),
        group("b", 1, 300),
    ];
    let outcomes = store.append_batch(&groups).await;
    let applied: Vec<usize> = outcomes.iter().map(|outcome| outcome.applied.len()).collect();
    assert_eq!(applied, [1, 2, 0, 300]);
    assert_eq!(differences(&mut shell(&folder).await, "mirror1").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn forgetting_reaches_it() {
    let folder = Folder::new();
    let store = prepared(&folder).await;
    let (erase, mut shell) = (Store::erase(&store).unwrap(), shell(&folder).await);
    let all = "SELECT count(*) FROM mirror1";
    store.append_batch(&[group("a", 1, 3), group("b", 1, 2)]).await;
    assert_eq!(number(&mut shell, all).await, 5);
    // By the tombstone.
    store.append(&stream("a"), samples::tombstone(4)).await.unwrap();
    assert_eq!(number(&mut shell, all).await, 2);
    // Once more when it is erased: somebody had put a row back.
    shell
        .execute("INSERT INTO mirror1 VALUES ('test', 'a', 2, x'00')")
        .await
        .unwrap();
    let four = Version::new(4).unwrap();
    erase
        .erase_through(&stream("a"), four, ForgetPolicy::KeepRows)
        .await
        .unwrap();
    assert_eq!(number(&mut shell, all).await, 2);
    // But not over a new life.
    store.append(&stream("a"), samples::event(5)).await.unwrap();
    shell
        .execute("INSERT INTO mirror1 VALUES ('test', 'a', 2, x'00')")
        .await
        .unwrap();
    erase
        .erase_through(&stream("a"), four, ForgetPolicy::EraseAll)
        .await
        .unwrap();
    assert_eq!(number(&mut shell, all).await, 4);
    shell
        .execute("DELETE FROM mirror1 WHERE event_id = x'00'")
        .await
        .unwrap();
    // What fails there is not erased.
    store.append(&stream("b"), samples::tombstone(3)).await.unwrap();
    shell.execute("ALTER TABLE mirror1 RENAME TO away").await.unwrap();
    let three = Version::new(3).unwrap();
    let erasing = erase.erase_through(&stream("b"), three, ForgetPolicy::KeepRows).await;
    let said = causes(&erasing.unwrap_err());
    assert!(
        said.contains("at asynx.forgotten") && said.contains("nothing was erased"),
        "{said}"
    );
    assert!(said.contains("no such table"), "{said}");
    assert_eq!(erase.pending(&stream("b").category).await.unwrap().len(), 1);
    assert_eq!(store.count(&stream("b"), Version::FIRST).await.unwrap(), 3);
    shell.execute("ALTER TABLE away RENAME TO mirror1").await.unwrap();
    erase
        .erase_through(&stream("b"), three, ForgetPolicy::KeepRows)
        .await
        .unwrap();
    assert_eq!(differences(&mut shell, "mirror1").await, 0);
}

/// Appends to a stream of its own until it is refused for good. How much, and why.
async fn write(store: SqliteStore, name: String) -> (i64, String) {
    let mut stored = 0;
    loop {
        match store.append(&stream(&name), samples::event(stored + 1)).await {
            Ok(_) => stored += 1,
            Err(error) => match not_applied(error) {
                error if error.is_transient() => {}
                error => return (stored as i64, error.to_string()),
            },
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_is_built_while_others_append() {
    let folder = Folder::new();
    Mirror::prepare(&folder, SqliteOptions::new(), "mirror1").await;
    let plain = common::open(&folder).await;
    let other = StreamId::parse("invoice", "i").unwrap();
    plain.append(&other, samples::event(1)).await.unwrap();
    plain.append_batch(&[group("old", 1, 700)]).await;
    let said = refused(&folder, with_mirror()).await;
    assert!(
        said.contains("has not been built") && said.contains("call build_inline"),
        "{said}"
    );

    let writers: Vec<_> = (0..3)
        .map(|number| {
            let store = plain.clone();
            spawn(async move { write(store, format!("w{number}")).await })
        })
        .collect();
    tokio::time::sleep(Duration::from_millis(200)).await;
    SqliteStore::build_inline(folder.file(), with_mirror()).await.unwrap();
    let mut stored = 0;
    for writer in writers {
        let (own, said) = writer.await.unwrap();
        assert!(
            said.contains("appends of test go by version 1 of the inline projection \"mirror\""),
            "{said}"
        );
        stored += own;
    }
    println!("{stored} events were stored meanwhile");
    assert!(stored > 20, "{stored}");
    let mut shell = shell(&folder).await;
    assert_eq!(differences(&mut shell, "mirror1").await, 0);
    assert_eq!(number(&mut shell, "SELECT count(*) FROM mirror1").await, 700 + stored);
    // Who was running goes on elsewhere.
    plain.append(&other, samples::event(2)).await.unwrap();
    SqliteStore::build_inline(folder.file(), with_mirror()).await.unwrap();
    let store = SqliteStore::open_with(folder.file(), with_mirror()).await.unwrap();
    store.append(&stream("new"), samples::event(1)).await.unwrap();
    assert_eq!(differences(&mut shell, "mirror1").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_have_it_is_told_and_may_go_without() {
    let folder = Folder::new();
    let store = prepared(&folder).await;
    store.append(&stream("a"), samples::event(1)).await.unwrap();
    let said = refused(&folder, SqliteOptions::new()).await;
    for way in ["with_inline", "without_inline", "remove_inline"] {
        assert!(said.contains(way), "{said}");
    }
    let without = SqliteOptions::new().without_inline("mirror");
    let without = SqliteStore::open_with(folder.file(), without).await.unwrap();
    let other = StreamId::parse("invoice", "i").unwrap();
    let outcomes = without
        .append_batch(&[samples::group(&other, 1, 1), group("a", 2, 1)])
        .await;
    assert!(
        outcomes[0].stopped.is_none() && outcomes[1].stopped.is_some(),
        "{outcomes:?}"
    );
    let elsewhere = SqliteOptions::new().with_inline(Mirror::of("mirror1"));
    assert!(refused(&folder, elsewhere).await.contains("built for other categories"));
    let in_memory = SqliteStore::in_memory_with(with_mirror()).await.unwrap_err();
    assert!(in_memory.to_string().contains("give the store a file"), "{in_memory}");

    assert!(
        SqliteStore::remove_inline(folder.file(), with_mirror(), "mirror")
            .await
            .unwrap()
    );
    assert!(
        !SqliteStore::remove_inline(folder.file(), SqliteOptions::new(), "mirror")
            .await
            .unwrap()
    );
    let plain = common::open(&folder).await;
    plain.append(&stream("a"), samples::event(2)).await.unwrap();
    let said = write(store, "a".to_owned()).await.1;
    assert!(said.contains("it may have been removed"), "{said}");
    let table = "SELECT count(*) FROM sqlite_schema WHERE name = 'mirror1'";
    assert_eq!(
        number(&mut shell(&folder).await, table).await,
        0,
        "it was not told that it is removed"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_new_version_is_built_beside_and_takes_the_place() {
    let folder = Folder::new();
    let old = prepared(&folder).await;
    Mirror::prepare(&folder, SqliteOptions::new(), "mirror2").await;
    old.append_batch(&[group("a", 1, 3)]).await;
    let said = refused(&folder, version(2)).await;
    assert!(
        said.contains("version 1 is in use") && said.contains("build_inline"),
        "{said}"
    );
    let writer = spawn(write(old.clone(), "w".to_owned()));
    tokio::time::sleep(Duration::from_millis(100)).await;
    SqliteStore::build_inline(folder.file(), version(2)).await.unwrap();
    let (_, said) = writer.await.unwrap();
    assert!(
        said.contains("version 2 of the inline projection \"mirror\" is in use, this process has version 1"),
        "{said}"
    );
    let mut shell = shell(&folder).await;
    assert_eq!(differences(&mut shell, "mirror1").await, 0);
    assert_eq!(differences(&mut shell, "mirror2").await, 0);
    assert!(refused(&folder, version(1)).await.contains("start a newer program"));
    let new = SqliteStore::open_with(folder.file(), version(2)).await.unwrap();
    new.append(&stream("a"), samples::event(4)).await.unwrap();
    assert_eq!(differences(&mut shell, "mirror2").await, 0);
    assert_eq!(
        differences(&mut shell, "in_use").await,
        0,
        "it was not told that it is in use"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_build_that_fails_goes_on_where_it_was() {
    let folder = Folder::new();
    Mirror::prepare(&folder, SqliteOptions::new(), "mirror1").await;
    let plain = common::open(&folder).await;
    plain.append_batch(&[group("a", 1, 250)]).await;
    plain.append(&stream("!fail"), samples::event(1)).await.unwrap();
    let failed = SqliteStore::build_inline(folder.file(), with_mirror())
        .await
        .unwrap_err();
    assert!(failed.to_string().ends_with("so it is not built"), "{failed}");
    plain.append(&stream("a"), samples::event(251)).await.unwrap();
    let mut shell = shell(&folder).await;
    assert_eq!(number(&mut shell, "SELECT count(*) FROM mirror1").await, 200);
    plain.delete(&stream("!fail")).await.unwrap();
    SqliteStore::build_inline(folder.file(), with_mirror()).await.unwrap();
    assert_eq!(differences(&mut shell, "mirror1").await, 0);
}
