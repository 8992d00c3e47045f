//! Databases whose transactions are numbered anew: restored dumps.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a panic fails the test, which spawns where it stands"
)]

mod server;

use std::time::Duration;

use asynx_core::store::{LogEvent, LogFilter, LogQuery};
use asynx_core::{Position, Store, Version};
use asynx_store_postgres::{Migrate, PostgresOptions, PostgresStore};
use asynx_testkit::conformance::SlowTransactions as _;
use asynx_testkit::samples;
use server::{
    Cluster, Holding, Schema, connect_to, log_now, log_of, order, prepare, program, run, run_program, soon, url,
};

/// The wanted rest of the log.
async fn after(store: &PostgresStore, after: Option<Position>, at_least: usize) -> Vec<LogEvent> {
    let mut query = LogQuery {
        after,
        filter: LogFilter::default(),
        max_events: 3,
        max_bytes: usize::MAX,
    };
    let mut events = Vec::new();
    soon(async {
        loop {
            let page = store.log().unwrap().read(&query).await.unwrap();
            query.after = page.next;
            events.extend(page.events);
            if page.at_end && events.len() >= at_least {
                return;
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    events
}

/// Every position that a reader of the whole log may have been given, each with how many events come before it.
async fn positions(store: &PostgresStore) -> Vec<(Option<Position>, usize)> {
    let all = log_now(store, LogFilter::default()).await;
    let mut positions = vec![(None, 0)];
    positions.extend(
        all.iter()
            .zip(1..)
            .map(|(event, before)| (Some(event.position), before)),
    );
    for size in 1..=all.len() + 1 {
        let (mut query, mut before) = (
            LogQuery {
                after: None,
                filter: LogFilter::default(),
                max_events: size,
                max_bytes: usize::MAX,
            },
            0,
        );
        loop {
            let page = store.log().unwrap().read(&query).await.unwrap();
            before += page.events.len();
            query.after = page.next;
            positions.push((page.next, before));
            if page.at_end {
                break;
            }
        }
    }
    positions.push((store.log().unwrap().end().await.unwrap(), all.len()));
    positions
}

/// Some streams of some events, in several transactions.
async fn fill(store: &PostgresStore) -> usize {
    for (id, count) in [("a", 1), ("b", 2), ("c", 4)] {
        let outcome = store
            .append_batch(&[samples::group(&order(id), 1, count)])
            .await
            .remove(0);
        assert!(outcome.stopped.is_none(), "{outcome:?}");
    }
    log_of(store, LogFilter::default(), 7).await.len()
}

/// What was there comes first, then what is appended now, from wherever one goes on.
async fn goes_on(store: &PostgresStore, positions: &[(Option<Position>, usize)], old: usize) {
    let old_end = log_of(store, LogFilter::default(), old).await.last().unwrap().position;
    for (id, version, count) in [("a", 2, 1), ("d", 1, 2)] {
        let outcome = store
            .append_batch(&[samples::group(&order(id), version, count)])
            .await
            .remove(0);
        assert!(outcome.stopped.is_none(), "{outcome:?}");
        assert!(
            outcome.applied.iter().all(|position| *position > Some(old_end)),
            "{outcome:?}"
        );
    }
    let all = log_of(store, LogFilter::default(), old + 3).await;
    assert_eq!(all.len(), old + 3);
    assert!(all.is_sorted_by_key(|event| event.position));
    for (position, before) in positions {
        let rest = after(store, *position, old + 3 - before).await;
        assert_eq!(rest, all[*before..], "from {position:?}");
    }
}

#[tokio::test]
async fn transactions_from_the_future_are_refused_until_rebased() {
    let schema = Schema::new();
    let store = schema.store().await;
    let old = fill(&store).await;
    schema.run("update {events} set tx = tx + 1000000000").await;
    for migrate in [Migrate::AtOpen, Migrate::ByHand] {
        let error = PostgresStore::connect_with(&url(), schema.options().with_migrate(migrate))
            .await
            .unwrap_err();
        assert!(!error.is_transient(), "{error}");
        for part in [
            "that this server has not come to yet",
            "restored from a dump",
            "PostgresStore::rebase",
        ] {
            assert!(error.to_string().contains(part), "{error}");
        }
    }
    soon(PostgresStore::rebase(&url(), &schema.options())).await.unwrap();
    let store = schema.store().await;
    let positions = positions(&store).await;
    assert!(positions.len() > 20);
    goes_on(&store, &positions, old).await;
    // Again, which is needed after the next restore.
    schema
        .run("update {events} set tx = tx + 1000000000 where epoch = 1")
        .await;
    PostgresStore::connect_with(&url(), schema.options()).await.unwrap_err();
    soon(PostgresStore::rebase(&url(), &schema.options())).await.unwrap();
    let store = schema.store().await;
    let outcome = store.append_batch(&[samples::group(&order("e"), 1, 2)]).await.remove(0);
    assert_eq!(outcome.applied[0].unwrap().parts()[0], 2);
    assert_eq!(
        log_of(&store, LogFilter::default(), old + 5)
            .await
            .last()
            .unwrap()
            .stream,
        order("e")
    );
}

#[tokio::test]
async fn rebasing_what_is_not_there_is_an_error() {
    let schema = Schema::new();
    let error = PostgresStore::rebase(&url(), &schema.options()).await.unwrap_err();
    assert!(error.to_string().contains("are not there"), "{error}");
}

/// Processes should be stopped for a rebase. Where one was not, its append that is under way is still in order.
#[tokio::test(flavor = "multi_thread")]
async fn a_rebase_waits_for_appends_that_are_under_way() {
    let schema = Schema::new();
    let store = schema.store().await;
    prepare(&schema).await;
    let held = Holding::new(&schema, schema.options())
        .append(&samples::group(&order("held"), 1, 1))
        .await;
    let options = schema.options();
    let rebasing = tokio::spawn(async move { PostgresStore::rebase(&url(), &options).await });
    tokio::time::sleep(Duration::from_millis(300)).await;
    // A reader that goes on must not miss what is under way.
    let query = LogQuery {
        after: None,
        filter: LogFilter::default(),
        max_events: 10,
        max_bytes: usize::MAX,
    };
    let next = store.log().unwrap().read(&query).await.unwrap().next;
    held.commit().await;
    soon(rebasing).await.unwrap().unwrap();
    store.append(&order("later"), samples::event(1)).await.unwrap();
    let events = after(&store, next, 2).await;
    let streams: Vec<_> = events.iter().map(|event| event.stream.aggregate_id.as_str()).collect();
    assert_eq!(streams, ["held", "later"]);
    assert!(events[1].position.parts()[0] == 1 && events[0].position.parts()[0] == 0);
}

/// Gives the numbers of many transactions away.
async fn count_up(cluster: &Cluster) {
    let count = "do $$ begin for i in 1..2000 loop perform pg_current_xact_id(); commit; end loop; end $$";
    run(&mut connect_to(&cluster.url()).await, count).await;
}

/// The procedure that `docs/postgres.md` describes.
fn dump_and_restore(from: &Cluster, to: &Cluster) {
    let file = std::env::temp_dir().join(format!("{}.dump", server::unique("epoch")));
    let dumped = std::fs::File::create(&file).unwrap();
    let mut dump = program("pg_dump");
    dump.args(from.arguments()).args(["-Fc", "-n", "asynx", "postgres"]);
    assert!(dump.stdout(dumped).status().unwrap().success());
    let dumped = std::fs::File::open(&file).unwrap();
    let mut restore = program("pg_restore");
    restore.args(to.arguments()).args(["-d", "postgres", "--exit-on-error"]);
    run_program(restore.stdin(dumped));
    std::fs::remove_file(file).unwrap();
}

#[tokio::test]
async fn a_dump_is_restored_into_another_cluster() {
    for rebase in [true, false] {
        let (from, to) = (Cluster::start(), Cluster::start());
        count_up(if rebase { &from } else { &to }).await;
        let store = PostgresStore::connect(&from.url()).await.unwrap();
        let count = fill(&store).await;
        let positions = positions(&store).await;
        let before = log_now(&store, LogFilter::default()).await;
        store.checkpoints().unwrap().claim("reader").await.unwrap();
        store.close().await;
        dump_and_restore(&from, &to);

        if rebase {
            let error = PostgresStore::connect(&to.url()).await.unwrap_err();
            assert!(error.to_string().contains("PostgresStore::rebase"), "{error}");
            PostgresStore::rebase(&to.url(), &PostgresOptions::default())
                .await
                .unwrap();
        }
        let store = PostgresStore::connect(&to.url()).await.unwrap();
        assert_eq!(store.check_schema().await.unwrap(), [""; 0]);
        assert_eq!(
            log_now(&store, LogFilter::default()).await,
            before,
            "every event is at its old position"
        );
        assert_eq!(store.read_from(&order("c"), Version::FIRST).await.unwrap().len(), 4);
        assert_eq!(
            store.checkpoints().unwrap().get("reader").await.unwrap().unwrap().fence,
            1
        );
        goes_on(&store, &positions, count).await;
    }
}

#[tokio::test]
async fn a_position_beyond_the_end_is_refused() {
    let schema = Schema::new();
    let store = schema.store().await;
    fill(&store).await;
    let end = store.log().unwrap().end().await.unwrap().unwrap().parts();
    for beyond in [
        [end[0], end[1] + 1_000_000_000, 0],
        [end[0] + 1, 0, 0],
        [u64::MAX, u64::MAX, u64::MAX],
    ] {
        let query = LogQuery {
            after: Some(Position::new(beyond)),
            filter: LogFilter::default(),
            max_events: 10,
            max_bytes: usize::MAX,
        };
        let error = store.log().unwrap().read(&query).await.unwrap_err();
        assert!(
            !error.is_transient() && error.to_string().contains("beyond the end of the log"),
            "{error}"
        );
    }
}
