//! Inline projections: what they make is neither behind nor ahead, and one that fails hurts only its group.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a panic fails the test, which spawns where it stands"
)]

mod server;

use std::error::Error;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use asynx_core::store::{AppendError, AppendGroup, ForgetPolicy, GroupOutcome};
use asynx_core::{Store, StoreError, StreamId, Version};
use asynx_store_postgres::PostgresStore;
use asynx_testkit::samples;
use futures::future::join_all;
use server::{Mirror, Schema, connect, order, run, soon, url};
use sqlx::{AssertSqlSafe, PgConnection};

fn group(id: &str, from: u64, count: u64) -> AppendGroup {
    samples::group(&order(id), from, count)
}

fn refusal(outcome: &GroupOutcome) -> &StoreError {
    match &outcome.stopped {
        Some(AppendError::NotApplied(error)) => error,
        other => panic!("not refused: {other:?}"),
    }
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

/// What is stored and not in a mirror, or the other way round, in one snapshot.
async fn differences(connection: &mut PgConnection, schema: &Schema, mirror: &str) -> i64 {
    let mirror = format!("{}.{mirror}", schema.quoted());
    let alive = "select category, aggregate_id, version, event_id from {events} e
        where event_name <> 'asynx.forgotten' and category = 'order' and version > (
            select floor from {heads} h where h.category = e.category and h.aggregate_id = e.aggregate_id)";
    let sql = schema.fill(&format!(
        "select count(*) from (
             (({alive}) except (table {mirror})) union all ((table {mirror}) except ({alive}))
         ) d"
    ));
    sqlx::query_scalar(AssertSqlSafe(sql))
        .fetch_one(connection)
        .await
        .unwrap()
}

async fn rows(schema: &Schema, table: &str) -> i64 {
    let sql = schema.fill(&format!("select count(*) from {table}"));
    sqlx::query_scalar(AssertSqlSafe(sql))
        .fetch_one(&mut connect().await)
        .await
        .unwrap()
}

/// Ends sessions that are in a transaction of this schema, now and then, until it is told to stop.
async fn end_sessions(name: String, stop: Arc<AtomicBool>) -> u64 {
    let mut connection = connect().await;
    let mut ended = 0;
    let one = "select pg_terminate_backend(pid) from pg_stat_activity
        where application_name = $1 and pid <> pg_backend_pid() and backend_xid is not null limit 1";
    while !stop.load(Ordering::Relaxed) {
        let done = sqlx::query(one).bind(&name).execute(&mut connection).await.unwrap();
        ended += done.rows_affected();
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    ended
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_it_makes_is_neither_behind_nor_ahead() {
    let schema = Schema::new();
    let inline = Mirror::of_orders(Mirror::make(&schema, "mirror").await);
    let name = server::unique("inline");
    let named = format!("{}?application_name={name}", url());
    let first = PostgresStore::connect_with(&named, schema.options().with_inline(inline))
        .await
        .unwrap();
    let mut stores = vec![first];
    for _ in 0..2 {
        let options = schema
            .options()
            .with_inline(Mirror::of_orders(Mirror::of(&schema, "mirror")));
        stores.push(PostgresStore::connect_with(&named, options).await.unwrap());
    }
    let stop = Arc::new(AtomicBool::new(false));
    let ending = tokio::spawn(end_sessions(name, stop.clone()));
    let writing: Vec<_> = (0..12_u64)
        .map(|writer| {
            let store = stores[writer as usize % stores.len()].clone();
            tokio::spawn(async move {
                let mut stored = 0_u64;
                for round in 0..40_u64 {
                    // Two writers to each stream, and groups of several streams.
                    let groups: Vec<_> = [writer % 6, 6 + (writer + round) % 6]
                        .into_iter()
                        .map(|stream| order(format!("s{stream}")))
                        .collect();
                    let mut appends = Vec::new();
                    for stream in groups {
                        let query = asynx_core::store::HeadQuery {
                            stream: stream.clone(),
                            event_id: None,
                        };
                        let Ok(heads) = store.heads(&[query]).await else {
                            continue;
                        };
                        let head = heads[0].version.map_or(0, Version::get);
                        appends.push(samples::group(&stream, head + 1, 1 + round % 3));
                    }
                    let outcomes = store.append_batch(&appends).await;
                    stored += outcomes.iter().filter(|outcome| outcome.stopped.is_none()).count() as u64;
                }
                stored
            })
        })
        .collect();
    let (reading, looking) = (schema.name().to_owned(), stop.clone());
    let schema = Arc::new(schema);
    let looked_at = schema.clone();
    let reader = tokio::spawn(async move {
        let mut connection = connect().await;
        let mut looks = 0;
        while !looking.load(Ordering::Relaxed) {
            assert_eq!(differences(&mut connection, &looked_at, "mirror").await, 0, "{reading}");
            looks += 1;
        }
        looks
    });
    let mut stored = 0;
    for written in soon(join_all(writing)).await {
        stored += written.unwrap();
    }
    stop.store(true, Ordering::Relaxed);
    let (ended, looks) = (ending.await.unwrap(), reader.await.unwrap());
    println!("{stored} groups stored, {ended} sessions ended, {looks} looks");
    assert!(stored > 100 && ended > 0 && looks > 10, "{stored} {ended} {looks}");
    // What was under way when its session was ended may still be rolled back.
    soon(async {
        while differences(&mut connect().await, &schema, "mirror").await != 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    })
    .await;
    assert!(rows(&schema, "{events}").await > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_failing_group_fails_alone() {
    let schema = Schema::new();
    let store = schema.store_with(Mirror::prepare(&schema).await).await;
    let ids = [
        "a",
        "!fail",
        "b",
        "!panic",
        "c",
        "!wait",
        "!lock",
        "!swallow",
        "!rollback",
        "!retry",
        "d",
    ];
    let groups: Vec<_> = ids.iter().map(|id| group(id, 1, 1)).collect();
    let outcomes = soon(store.append_batch(&groups)).await;
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
        let said = causes(error);
        assert_eq!(error.is_transient(), id == "!retry", "{said}");
        assert!(said.contains("nothing was written"), "{said}");
        let why = match id {
            "!fail" => "it was told to fail",
            "!panic" => "it panicked: it was told to panic",
            "!wait" | "!lock" => "it was not done within 1.5s",
            "!swallow" => "went on after one of its statements had failed",
            "!rollback" => "rolled the transaction back",
            _ => "it was told to be tried again",
        };
        assert!(said.contains(why), "{said}");
        if !matches!(id, "!swallow" | "!rollback") {
            let event = &group.events[0];
            let named = format!(
                "version 1 of the inline projection \"mirror\" failed at SampleHappened {} of order/{id} in version 1",
                event.event_id
            );
            assert!(said.starts_with(&named), "{said}");
        }
        assert_eq!(store.count(&group.stream, Version::FIRST).await.unwrap(), 0);
    }
    assert_eq!(rows(&schema, "{events}").await, 4);
    assert_eq!(differences(&mut connect().await, &schema, "mirror").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_comes_before_a_bad_event_is_stored() {
    let schema = Schema::new();
    let store = schema.store_with(Mirror::prepare(&schema).await).await;
    let mut bad = group("a", 1, 5);
    bad.events[3] = samples::named(4, "Bad");
    let outcomes = soon(store.append_batch(&[bad, group("b", 1, 2)])).await;
    assert_eq!(outcomes[0].applied.len(), 3, "{outcomes:?}");
    assert!(
        causes(refusal(&outcomes[0])).contains("this event is bad"),
        "{outcomes:?}"
    );
    assert!(outcomes[1].stopped.is_none(), "{outcomes:?}");
    assert_eq!(differences(&mut connect().await, &schema, "mirror").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_that_ends_the_transaction_itself_is_told_so() {
    let schema = Schema::new();
    let store = schema.store_with(Mirror::prepare(&schema).await).await;
    let outcome = soon(store.append_batch(&[group("!commit", 1, 1)])).await.remove(0);
    let Some(AppendError::Unknown(error)) = &outcome.stopped else {
        panic!("{outcome:?}")
    };
    assert!(
        error.to_string().contains("committed the transaction itself"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_that_blocks_its_thread_holds_up_nobody_else() {
    let schema = Schema::new();
    let store = schema.store_with(Mirror::prepare(&schema).await).await;
    let _busy = Busy::new();
    let began = Instant::now();
    let outcomes = soon(store.append_batch(&[group("a", 1, 1), group("!block", 1, 1), group("b", 1, 1)])).await;
    assert!(
        causes(refusal(&outcomes[1])).contains("not done within 1.5s"),
        "{outcomes:?}"
    );
    assert!(
        outcomes[0].stopped.is_none() && outcomes[2].stopped.is_none(),
        "{outcomes:?}"
    );
    println!("answered after {:?}", began.elapsed());
    // Its thread is blocked for 6 s: what it had locked was freed before.
    let update = "set lock_timeout = 100;
        insert into {heads} (category, aggregate_id, version) values ('order', '!block', 0);
        delete from {heads} where aggregate_id = '!block'";
    run(&mut connect().await, &schema.fill(update)).await;
    assert!(began.elapsed() < Duration::from_secs(5), "{:?}", began.elapsed());
    assert_eq!(differences(&mut connect().await, &schema, "mirror").await, 0);
}

/// A program that has something to do, from a thread that is none of tokio's: where all other workers sleep, tokio does
/// not look at its clock, and a task that is woken by a worker may be behind the one that blocks it.
struct Busy(Arc<AtomicBool>);

impl Busy {
    fn new() -> Self {
        let (ended, tokio) = (Arc::new(AtomicBool::new(false)), tokio::runtime::Handle::current());
        let seen = Arc::clone(&ended);
        std::thread::spawn(move || {
            while !seen.load(Ordering::Relaxed) {
                tokio.spawn(async {});
                std::thread::park_timeout(Duration::from_millis(5));
            }
        });
        Self(ended)
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_one_slows_no_other_category() {
    let schema = Schema::new();
    let inline = Mirror::of_orders(Mirror::make(&schema, "mirror").await);
    let store = schema.store_with(schema.options().with_inline(inline)).await;
    let slow = store.clone();
    let slow = tokio::spawn(async move {
        for version in 1..=10 {
            slow.append(&order("!slow"), samples::event(version)).await.unwrap();
        }
    });
    let began = Instant::now();
    let other = StreamId::parse("invoice", "i").unwrap();
    let mut versions = 0;
    while began.elapsed() < Duration::from_secs(2) {
        versions += 1;
        store.append(&other, samples::event(versions)).await.unwrap();
    }
    assert!(!slow.is_finished(), "it was not slow enough");
    assert!(versions > 50, "{versions} appends in 2 s");
    soon(slow).await.unwrap();
    assert_eq!(differences(&mut connect().await, &schema, "mirror").await, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn one_call_appends_with_it_and_without() {
    let schema = Schema::new();
    let inline = Mirror::of_orders(Mirror::make(&schema, "mirror").await);
    let store = schema.store_with(schema.options().with_inline(inline)).await;
    let invoice = StreamId::parse("invoice", "i").unwrap();
    let groups = [
        group("a", 1, 1),
        samples::group(&invoice, 1, 2),
        group("!fail", 1, 1),
        group("a2", 1, 3),
    ];
    let outcomes = soon(store.append_batch(&groups)).await;
    let applied: Vec<usize> = outcomes.iter().map(|outcome| outcome.applied.len()).collect();
    assert_eq!(applied, [1, 2, 0, 3]);
    assert_eq!(rows(&schema, "{schema}.mirror").await, 4);
}

#[tokio::test(flavor = "multi_thread")]
async fn forgetting_reaches_it() {
    let schema = Schema::new();
    let store = schema.store_with(Mirror::prepare(&schema).await).await;
    let erase = store.erase().unwrap();
    store.append_batch(&[group("a", 1, 3), group("b", 1, 2)]).await;
    assert_eq!(rows(&schema, "{schema}.mirror").await, 5);
    // By the tombstone.
    store.append(&order("a"), samples::tombstone(4)).await.unwrap();
    assert_eq!(rows(&schema, "{schema}.mirror").await, 2);
    // Once more when it is erased: somebody had put a row back.
    schema
        .run("insert into {schema}.mirror values ('order', 'a', 2, gen_random_uuid())")
        .await;
    let four = Version::new(4).unwrap();
    erase
        .erase_through(&order("a"), four, ForgetPolicy::KeepRows)
        .await
        .unwrap();
    assert_eq!(rows(&schema, "{schema}.mirror").await, 2);
    // But not over a new life.
    store.append(&order("a"), samples::event(5)).await.unwrap();
    erase
        .erase_through(&order("a"), four, ForgetPolicy::EraseAll)
        .await
        .unwrap();
    assert_eq!(rows(&schema, "{schema}.mirror").await, 3);
    // What fails there is not erased.
    schema.run("alter table {schema}.mirror rename to away").await;
    let said = causes(
        &store
            .append(&order("b"), samples::tombstone(3))
            .await
            .map_err(into_store)
            .unwrap_err(),
    );
    assert!(said.contains("at asynx.forgotten"), "{said}");
    schema.run("alter table {schema}.away rename to mirror").await;
    store.append(&order("b"), samples::tombstone(3)).await.unwrap();
    schema.run("alter table {schema}.mirror rename to away").await;
    let three = Version::new(3).unwrap();
    let said = causes(
        &erase
            .erase_through(&order("b"), three, ForgetPolicy::KeepRows)
            .await
            .unwrap_err(),
    );
    assert!(
        said.contains("at asynx.forgotten") && said.contains("nothing was erased"),
        "{said}"
    );
    assert!(said.contains("mirror\" does not exist"), "{said}");
    assert_eq!(erase.pending(&order("b").category).await.unwrap().len(), 1);
    assert_eq!(store.count(&order("b"), Version::FIRST).await.unwrap(), 3);
    schema.run("alter table {schema}.away rename to mirror").await;
    erase
        .erase_through(&order("b"), three, ForgetPolicy::KeepRows)
        .await
        .unwrap();
    assert_eq!(differences(&mut connect().await, &schema, "mirror").await, 0);
}

fn into_store(error: AppendError) -> StoreError {
    match error {
        AppendError::NotApplied(error) => error,
        other => panic!("{other:?}"),
    }
}
