//! The log beyond the kit: large records, filters that want little, writes elsewhere that take long.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a panic fails the test, which spawns where it stands"
)]

mod server;

use std::collections::BTreeSet;
use std::time::Duration;

use asynx_core::store::{AppendError, LogFilter, LogPage, LogQuery};
use asynx_core::{Category, EventName, Position, Store, StreamId};
use asynx_store_postgres::PostgresStore;
use asynx_testkit::samples;
use server::{Made, Schema, blocked_by, connect, connect_to, log_now, log_of, order, run, soon};
use tokio::time::sleep;

async fn page(store: &PostgresStore, after: Option<Position>, filter: &LogFilter, most: (usize, usize)) -> LogPage {
    let query = LogQuery {
        after,
        filter: filter.clone(),
        max_events: most.0,
        max_bytes: most.1,
    };
    soon(store.log().unwrap().read(&query)).await.unwrap()
}

/// All pages up to the end, each with what it holds.
async fn pages(store: &PostgresStore, filter: &LogFilter, most: (usize, usize)) -> Vec<LogPage> {
    let (mut pages, mut after) = (Vec::new(), None);
    loop {
        let page = page(store, after, filter, most).await;
        assert!(page.at_end || page.next > after, "a page advances");
        after = page.next;
        let at_end = page.at_end;
        pages.push(page);
        if at_end {
            return pages;
        }
    }
}

fn names(names: &[&str]) -> LogFilter {
    LogFilter {
        event_names: names.iter().map(|name| EventName::parse(*name).unwrap()).collect(),
        ..LogFilter::default()
    }
}

fn streams(streams: &[StreamId]) -> LogFilter {
    LogFilter {
        streams: streams.to_vec(),
        ..LogFilter::default()
    }
}

#[tokio::test]
async fn large_records_make_short_pages() {
    let schema = Schema::new();
    let store = schema.store().await;
    let mebi = 1 << 20;
    for (version, size) in [(1, 3 * mebi), (2, 10), (3, 2 * mebi), (4, 3 * mebi), (5, 10), (6, 10)] {
        let event = samples::carrying(version, &"x".repeat(size));
        soon(store.append(&order("large"), event)).await.unwrap();
    }
    let all = log_of(&store, LogFilter::default(), 6).await;
    for filter in [
        LogFilter::default(),
        names(&["SampleHappened"]),
        streams(&[order("large")]),
    ] {
        let pages = pages(&store, &filter, (100, 4 * mebi)).await;
        let sizes: Vec<usize> = pages.iter().map(|page| page.events.len()).collect();
        assert_eq!(sizes, [2, 1, 3], "{filter:?}");
        let given: Vec<_> = pages.into_iter().flat_map(|page| page.events).collect();
        assert_eq!(given, all);
    }
}

#[tokio::test]
async fn a_filter_that_wants_little_advances_by_empty_pages() {
    let schema = Schema::new();
    let store = schema.store().await;
    for n in 0..60 {
        let group = samples::group(&order(format!("many {n}")), 1, 256);
        assert!(store.append_batch(&[group]).await[0].stopped.is_none());
        if n % 25 == 0 {
            store
                .append(&order(format!("few {n}")), samples::named(1, "Rare"))
                .await
                .unwrap();
        }
    }
    log_of(&store, LogFilter::default(), 60 * 256 + 3).await;
    let found = pages(&store, &names(&["Rare"]), (100, usize::MAX)).await;
    assert!(
        (4..=6).contains(&found.len()),
        "{} pages for 15,363 events",
        found.len()
    );
    assert!(found.iter().any(|page| page.events.is_empty()));
    let streams: Vec<_> = found
        .into_iter()
        .flat_map(|page| page.events)
        .map(|event| event.stream)
        .collect();
    assert_eq!(streams, [order("few 0"), order("few 25"), order("few 50")]);
    // Of what nobody ever stored.
    let none = pages(&store, &names(&["Never"]), (100, usize::MAX)).await;
    assert!(none.iter().all(|page| page.events.is_empty()) && none.len() == 4);
    // Enough is found long before so many are looked at, and a page goes on where it ended.
    let category = LogFilter {
        categories: vec![Category::parse("order").unwrap()],
        ..LogFilter::default()
    };
    for (filter, size) in [(&category, 1000), (&category, 6000), (&LogFilter::default(), 20_000)] {
        let pages = pages(&store, filter, (size, usize::MAX)).await;
        let given: Vec<_> = pages
            .iter()
            .flat_map(|page| &page.events)
            .map(|event| event.position)
            .collect();
        assert!(
            given.is_sorted() && given.len() == 60 * 256 + 3,
            "{} events",
            given.len()
        );
        assert!(pages.iter().rev().skip(1).all(|page| page.events.len() == size));
    }
    // A reader that is at the end does not look again at what it does not want.
    let end = found_end(&store, &names(&["Rare"])).await;
    let again = page(&store, end, &names(&["Rare"]), (100, usize::MAX)).await;
    assert!(again.at_end && again.events.is_empty());
}

async fn found_end(store: &PostgresStore, filter: &LogFilter) -> Option<Position> {
    pages(store, filter, (100, usize::MAX)).await.last().unwrap().next
}

#[tokio::test]
async fn long_streams_are_gone_through_from_anywhere() {
    let schema = Schema::new();
    let store = schema.store().await;
    let (long, short) = (order("long"), order("short"));
    for n in 0..20 {
        let groups = [samples::group(&long, 1 + 50 * n, 50), samples::group(&short, 1 + n, 1)];
        assert!(
            store
                .append_batch(&groups)
                .await
                .iter()
                .all(|outcome| outcome.stopped.is_none())
        );
        store
            .append(&order(format!("other {n}")), samples::event(1))
            .await
            .unwrap();
    }
    // A part is gone wholly, another without its payload.
    store.append(&long, samples::tombstone(1001)).await.unwrap();
    schema
        .run("delete from {events} where aggregate_id = 'long' and version between 301 and 400")
        .await;
    schema
        .run("update {events} set record = null where aggregate_id = 'long' and version < 200")
        .await;
    let filter = streams(&[short.clone(), long.clone(), order("nobody")]);
    let all = log_of(&store, filter.clone(), 921).await;
    assert_eq!(all.len(), 921);
    let whole = log_now(&store, LogFilter::default()).await;
    let of_both: Vec<_> = whole
        .iter()
        .filter(|event| filter.streams.contains(&event.stream))
        .cloned()
        .collect();
    assert_eq!(all, of_both);
    for (before, event) in (1..).zip(&all).step_by(13) {
        let page = page(&store, Some(event.position), &filter, (30, usize::MAX)).await;
        assert_eq!(page.events, all[before..(before + 30).min(all.len())], "after {before}");
    }
    for size in [1, 7, 64, 100, 5000] {
        let given: Vec<_> = pages(&store, &filter, (size, usize::MAX)).await;
        let given: Vec<_> = given.into_iter().flat_map(|page| page.events).collect();
        assert_eq!(given, all, "by pages of {size}");
    }
}

/// Any write in the cluster, also in another database, holds readers back: they get less, and nothing is lost.
#[tokio::test]
async fn a_long_write_elsewhere_holds_readers_back_and_nothing_is_lost() {
    let schema = Schema::new();
    let elsewhere = Made::database("").await;
    let store = schema.store().await;
    let mut given = BTreeSet::new();
    let (mut after, mut stored) = (None, 0);
    for round in 0..3 {
        let mut writing = connect_to(&elsewhere.url()).await;
        run(&mut writing, &format!("create table long_{round} (n int)")).await;
        run(&mut writing, &format!("begin; insert into long_{round} values (1)")).await;
        for n in 0..10 {
            store
                .append(&order(format!("{round} {n}")), samples::event(1))
                .await
                .unwrap();
            stored += 1;
        }
        let held = page(&store, after, &LogFilter::default(), (100, usize::MAX)).await;
        assert!(held.at_end);
        given.extend(held.events.iter().map(|event| event.event_id));
        assert_eq!(given.len(), 10 * round, "what could still be preceded was given");
        after = held.next;
        run(&mut writing, if round == 1 { "rollback" } else { "commit" }).await;
        soon(async {
            while given.len() < stored {
                let rest = page(&store, after, &LogFilter::default(), (3, usize::MAX)).await;
                assert!(
                    rest.events.iter().all(|event| given.insert(event.event_id)),
                    "given twice"
                );
                after = rest.next;
                sleep(Duration::from_millis(2)).await;
            }
        })
        .await;
    }
}

/// An append that began before the event that it follows on was stored has an older transaction: it is a conflict, or it
/// would come before that event.
#[tokio::test]
async fn an_append_never_comes_before_what_it_follows_on() {
    let schema = Schema::new();
    let (first, second) = (schema.store().await, schema.store().await);
    let (busy, new) = (order("a"), order("z"));
    first.append(&busy, samples::event(1)).await.unwrap();
    let mut locking = connect().await;
    run(&mut locking, &schema.fill("begin; select from {heads} for update")).await;
    let groups = [samples::group(&busy, 2, 1), samples::group(&new, 2, 1)];
    let early = tokio::spawn(async move { soon(first.append_batch(&groups)).await });
    blocked_by(&mut locking).await;
    second.append(&new, samples::event(1)).await.unwrap();
    run(&mut locking, "rollback").await;
    let outcomes = early.await.unwrap();
    assert!(outcomes[0].stopped.is_none(), "{outcomes:?}");
    assert!(
        matches!(outcomes[1].stopped, Some(AppendError::Conflict)),
        "{outcomes:?}"
    );
    second.append(&new, samples::event(2)).await.unwrap();
    let events = log_of(&second, streams(&[new]), 2).await;
    let versions: Vec<u64> = events.iter().map(|event| event.version.get()).collect();
    assert_eq!(versions, [1, 2]);
}

#[tokio::test]
async fn a_long_read_holds_nobody_back() {
    let schema = Schema::new();
    let store = schema.store().await;
    let mut reading = connect().await;
    run(&mut reading, "begin isolation level repeatable read").await;
    run(&mut reading, &schema.fill("select count(*) from {events}")).await;
    store.append(&order("a"), samples::event(1)).await.unwrap();
    assert_eq!(log_of(&store, LogFilter::default(), 1).await.len(), 1);
    run(&mut reading, "commit").await;
}
