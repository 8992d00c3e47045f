//! Many stores on one database, as many processes have: same streams, any order, repeated ids, a reader that follows.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a panic fails the test, which spawns where it stands"
)]

mod server;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use asynx_core::store::{AppendError, AppendGroup, HeadQuery, LogFilter, LogQuery};
use asynx_core::{EventId, Position, Store, StreamId, Version};
use asynx_store_postgres::{PostgresOptions, PostgresStore};
use asynx_testkit::samples;
use server::{Made, connect, order, soon};

const STORES: u64 = 6;
const STREAMS: u64 = 24;
const ROUNDS: u64 = 60;

/// Numbers that only look random, so that a failure can be had again.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for at in (1..items.len()).rev() {
            items.swap(at, self.below(at as u64 + 1) as usize);
        }
    }
}

/// What one store appended, with the positions that it was answered, and how often it was refused.
#[derive(Default)]
struct Done {
    stored: BTreeMap<EventId, Position>,
    conflicts: u64,
    duplicates: u64,
}

async fn write(store: PostgresStore, seed: u64) -> Done {
    let mut numbers = Numbers(seed * 7919 + 1);
    let mut done = Done::default();
    for _ in 0..ROUNDS {
        let mut streams: Vec<StreamId> = (0..STREAMS).map(|n| order(format!("s{n}"))).collect();
        numbers.shuffle(&mut streams);
        streams.truncate(1 + numbers.below(STREAMS) as usize);
        let queries: Vec<HeadQuery> = streams
            .iter()
            .map(|stream| HeadQuery {
                stream: stream.clone(),
                event_id: None,
            })
            .collect();
        let heads = soon(store.heads(&queries)).await.unwrap();
        let groups: Vec<AppendGroup> = streams
            .into_iter()
            .zip(heads)
            .map(|(stream, head)| {
                let next = head.version.map_or(1, |version| version.get() + 1);
                let mut group = samples::group(&stream, next, 1 + numbers.below(3));
                if numbers.below(5) == 0
                    && let Some(old) = done.stored.keys().next()
                {
                    // One that may be this stream's.
                    group.events[0].event_id = *old;
                }
                group
            })
            .collect();
        let outcomes = soon(store.append_batch(&groups)).await;
        for (group, outcome) in groups.into_iter().zip(outcomes) {
            match outcome.stopped {
                None => {
                    assert_eq!(outcome.applied.len(), group.events.len());
                    for (event, position) in group.events.iter().zip(outcome.applied) {
                        done.stored.insert(event.event_id, position.unwrap());
                    }
                }
                Some(reason) => {
                    assert!(outcome.applied.is_empty(), "a group is stored wholly or not at all");
                    match reason {
                        AppendError::Conflict => done.conflicts += 1,
                        AppendError::Duplicate { event_id } => {
                            assert_eq!(event_id, group.events[0].event_id);
                            done.duplicates += 1;
                        }
                        other => panic!("{other}"),
                    }
                }
            }
        }
    }
    done
}

/// Follows the log until it is told that all was written, and has seen that.
async fn follow(store: PostgresStore, written: Arc<AtomicBool>) -> Vec<(StreamId, u64, EventId, Position)> {
    let mut seen = Vec::new();
    let mut query = LogQuery {
        after: None,
        filter: LogFilter::default(),
        max_events: 17,
        max_bytes: usize::MAX,
    };
    let log = store.log().unwrap();
    loop {
        let all = written.load(Ordering::SeqCst);
        let page = soon(log.read(&query)).await.unwrap();
        for event in page.events {
            seen.push((event.stream, event.version.get(), event.event_id, event.position));
        }
        query.after = page.next;
        if page.at_end {
            if all && page.next >= log.end().await.unwrap() {
                return seen;
            }
            let _ = tokio::time::timeout(Duration::from_millis(20), log.changed(query.after)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn many_processes_write_the_same_streams() {
    // Of its own, so that its deadlocks are ours.
    let database = Made::database("").await;
    let open = async || {
        let options = PostgresOptions::new().with_readers(2);
        PostgresStore::connect_with(&database.url(), options).await.unwrap()
    };
    let written = Arc::new(AtomicBool::new(false));
    let reader = tokio::spawn(follow(open().await, written.clone()));
    let mut stores = Vec::new();
    for _ in 0..STORES {
        stores.push(open().await);
    }
    let writers: Vec<_> = stores
        .iter()
        .zip(1..)
        .map(|(store, seed)| tokio::spawn(write(store.clone(), seed)))
        .collect();
    let mut stored = BTreeMap::new();
    let (mut conflicts, mut duplicates) = (0, 0);
    for writer in writers {
        let done = writer.await.unwrap();
        let count = stored.len() + done.stored.len();
        stored.extend(done.stored);
        assert!(stored.len() <= count);
        conflicts += done.conflicts;
        duplicates += done.duplicates;
    }
    // Until everything before is final.
    let last = stored.values().max().copied();
    soon(async {
        while stores[0].log().unwrap().end().await.unwrap() <= last {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    })
    .await;
    written.store(true, Ordering::SeqCst);
    let seen = soon(reader).await.unwrap();

    assert!(
        conflicts > 50 && duplicates > 5,
        "{conflicts} conflicts, {duplicates} duplicates: nothing was contended"
    );
    assert!(seen.is_sorted_by_key(|(.., position)| *position));
    let positions: BTreeMap<EventId, Position> = seen.iter().map(|(.., id, position)| (*id, *position)).collect();
    let ids: BTreeSet<&EventId> = positions.keys().collect();
    assert_eq!(
        ids,
        stored.keys().collect(),
        "the log gave what was stored, and nothing else"
    );
    let mut heads: BTreeMap<StreamId, u64> = BTreeMap::new();
    for (stream, version, ..) in &seen {
        let head = heads.entry(stream.clone()).or_default();
        assert_eq!(*version, *head + 1, "{stream}");
        *head = *version;
    }
    for (stream, head) in &heads {
        assert_eq!(stores[0].count(stream, Version::FIRST).await.unwrap(), *head);
    }
    for store in stores {
        soon(store.close()).await;
    }
    let deadlocks: i64 = sqlx::query_scalar("select deadlocks from pg_stat_database where datname = $1")
        .bind(&database.name)
        .fetch_one(&mut connect().await)
        .await
        .unwrap();
    assert_eq!(deadlocks, 0);
    println!("{} events, {conflicts} conflicts, {duplicates} duplicates", seen.len());
}
