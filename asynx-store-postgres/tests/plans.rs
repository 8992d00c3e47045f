//! Plans that were cached while the tables were empty: when the tables have grown, each statement still does little, as
//! counted by the server in blocks, never in time.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod server;

use std::time::Duration;

use asynx_core::store::{ForgetPolicy, HeadQuery, Load, LogFilter, LogQuery, Snapshot};
use asynx_core::{Category, EventName, Position, SchemaVersion, Store, StreamId, Version};
use asynx_store_postgres::{LaneOptions, PostgresOptions, PostgresStore};
use asynx_testkit::samples;
use server::{Cluster, connect_to, order, run, soon};
use sqlx::{PgConnection, query_as, query_scalar};
use tokio::time::sleep;

/// Of 40,000 streams with 5 events each, as if transactions before ours had stored them, and one stream with 20,000.
const GROW: &str = "
insert into asynx.heads (category, aggregate_id, version)
    select 'grown', 'g' || i, 5 from generate_series(1, 40000) i;
insert into asynx.events (epoch, tx, seq, category, aggregate_id, version, event_id, event_name, occurred_at, record)
    select 0, 1 + n % 500, n / 500 + 1, 'grown', 'g' || n / 5 + 1, n % 5 + 1, gen_random_uuid(),
        case n % 1000 when 0 then 'Rare' else 'Grown' end, 0, convert_to(repeat('x', 200), 'UTF8')
    from generate_series(0, 199999) n;
insert into asynx.heads (category, aggregate_id, version) values ('grown', 'long', 20000);
insert into asynx.events (epoch, tx, seq, category, aggregate_id, version, event_id, event_name, occurred_at, record)
    select 0, 501 + n / 400, n % 400 + 1, 'grown', 'long', n, gen_random_uuid(), 'Long', 0, convert_to(repeat('x', 200), 'UTF8')
    from generate_series(1, 20000) n;
insert into asynx.snapshots (category, aggregate_id, schema_version, version, document)
    select 'grown', 'g' || i, 1, 3, 'x' from generate_series(1, 40000) i
    on conflict do nothing;
insert into asynx.checkpoints (reader, fence) select 'r' || i, 1 from generate_series(1, 5000) i;
insert into asynx.leases (name, token, holder, expires_at)
    select 'writer:c' || i, 1, '', now() from generate_series(1, 5000) i";

fn grown(id: impl std::fmt::Display) -> StreamId {
    StreamId::parse("grown", &format!("g{id}")).unwrap()
}

fn long() -> StreamId {
    StreamId::parse("grown", "long").unwrap()
}

fn version(number: u64) -> Version {
    Version::new(number).unwrap()
}

/// What a store does at a time. Each has a store of its own, so that its blocks can be told from the others'.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Work {
    AppendOne,
    AppendOneMore,
    AppendBatch,
    AppendUnderLease,
    AppendConflict,
    AppendOneToALongStream,
    AppendSeveralToALongStream,
    Heads,
    HeadOfALongStream,
    Load,
    LoadAfterSnapshot,
    Read,
    ReadInTheMiddle,
    Count,
    LogFromTheStart,
    LogFromTheMiddle,
    LogAtTheEnd,
    LogOfCategory,
    LogOfNames,
    LogOfStreams,
    LogOfALongStream,
    LogEnd,
    LogTail,
    Snapshots,
    Checkpoints,
    Leases,
    Erase,
    Pending,
}

/// With how many blocks of tables and indexes at most. A block is 8 KiB; an index of a grown table has three levels.
const ALL: [(Work, i64); 28] = [
    (Work::AppendOne, 40),
    (Work::AppendOneMore, 40),
    (Work::AppendBatch, 50 * 40),
    (Work::AppendUnderLease, 50 * 40),
    (Work::AppendConflict, 50 * 20),
    (Work::AppendOneToALongStream, 40),
    (Work::AppendSeveralToALongStream, 100),
    (Work::Heads, 50 * 12),
    (Work::HeadOfALongStream, 12),
    (Work::Load, 50 * 20),
    (Work::LoadAfterSnapshot, 50 * 20),
    (Work::Read, 20),
    (Work::ReadInTheMiddle, 20),
    (Work::Count, 8),
    (Work::LogFromTheStart, 250),
    (Work::LogFromTheMiddle, 250),
    (Work::LogAtTheEnd, 20),
    (Work::LogOfCategory, 250),
    (Work::LogOfNames, 12_000),
    (Work::LogOfStreams, 50 * 20),
    (Work::LogOfALongStream, 150),
    (Work::LogEnd, 8),
    // With the append that wakes it.
    (Work::LogTail, 60),
    (Work::Snapshots, 60),
    (Work::Checkpoints, 60),
    (Work::Leases, 60),
    // With the append of the tombstone.
    (Work::Erase, 200),
    (Work::Pending, 8),
];

async fn read_log(store: &PostgresStore, after: Option<Position>, filter: LogFilter) {
    let query = LogQuery {
        after,
        filter,
        max_events: 100,
        max_bytes: 1 << 20,
    };
    store.log().unwrap().read(&query).await.unwrap();
}

/// Does it once; `round` is 0 while the tables are empty.
async fn work(store: &PostgresStore, what: Work, round: u64) {
    let middle = Some(Position::new([0, 250, 0]));
    let fifty = || (0..50).map(|n| n * 700 + 1);
    let append = async |groups: &[_]| {
        for outcome in store.append_batch(groups).await {
            assert!(outcome.stopped.is_none(), "{what:?}: {outcome:?}");
        }
    };
    let category = Category::parse("grown").unwrap();
    match what {
        Work::AppendOne => append(&[samples::group(&order(format!("one{round}")), 1, 1)]).await,
        Work::AppendOneMore => match round {
            0 => append(&[samples::group(&order("more"), 1, 1)]).await,
            _ => append(&[samples::group(&grown(1), 6, 1)]).await,
        },
        Work::AppendBatch | Work::AppendUnderLease => {
            let lease = match what {
                Work::AppendUnderLease => store.sole_writer().unwrap().acquire(&category).await.unwrap(),
                _ => None,
            };
            let new = (0..25).map(|n| {
                samples::group(
                    &StreamId::parse("grown", &format!("{what:?} {n} {round}")).unwrap(),
                    1,
                    2,
                )
            });
            let start = if what == Work::AppendBatch { 100 } else { 200 };
            let old = (start..start + 25)
                .filter(|_| round > 0)
                .map(|n| samples::group(&grown(n), 6, 2));
            append(&new.chain(old).collect::<Vec<_>>()).await;
            assert_eq!(lease.is_some(), what == Work::AppendUnderLease);
        }
        Work::AppendConflict => {
            let groups: Vec<_> = fifty().map(|n| samples::group(&grown(n), 2, 2)).collect();
            let outcomes = store.append_batch(&groups).await;
            assert!(outcomes.iter().all(|outcome| outcome.stopped.is_some()));
        }
        Work::AppendOneToALongStream | Work::AppendSeveralToALongStream => {
            let count = if what == Work::AppendOneToALongStream { 1 } else { 5 };
            match round {
                0 => append(&[samples::group(&order(format!("{what:?}")), 1, count)]).await,
                _ => append(&[samples::group(&long(), if count == 1 { 20_001 } else { 20_002 }, count)]).await,
            }
        }
        Work::HeadOfALongStream => {
            let query = HeadQuery {
                stream: long(),
                event_id: Some(samples::event(1).event_id),
            };
            store.heads(&[query]).await.unwrap();
        }
        Work::Heads => {
            let query = |n| HeadQuery {
                stream: grown(n),
                event_id: Some(samples::event(1).event_id),
            };
            store.heads(&fifty().map(query).collect::<Vec<_>>()).await.unwrap();
        }
        Work::Load | Work::LoadAfterSnapshot => {
            let load = |n| Load {
                stream: grown(n),
                from: None,
                snapshot: (what == Work::LoadAfterSnapshot).then_some(SchemaVersion::FIRST),
                limit: 1000,
            };
            let loaded = store.load(&fifty().map(load).collect::<Vec<_>>()).await.unwrap();
            assert!(round == 0 || loaded.iter().all(|loaded| !loaded.events.is_empty()));
        }
        Work::Read => drop(store.read_range(&grown(30_000), Version::FIRST, 100).await.unwrap()),
        Work::ReadInTheMiddle => drop(store.read_range(&long(), version(10_000), 100).await.unwrap()),
        Work::Count => drop(store.count(&long(), version(10)).await.unwrap()),
        Work::LogFromTheStart => read_log(store, None, LogFilter::default()).await,
        Work::LogFromTheMiddle => read_log(store, middle, LogFilter::default()).await,
        Work::LogAtTheEnd => {
            let end = store.log().unwrap().end().await.unwrap();
            read_log(store, end, LogFilter::default()).await;
        }
        Work::LogOfCategory => {
            let filter = LogFilter {
                categories: vec![category],
                ..LogFilter::default()
            };
            read_log(store, middle, filter).await;
        }
        Work::LogOfNames => {
            let filter = LogFilter {
                event_names: vec![EventName::parse("Rare").unwrap()],
                ..LogFilter::default()
            };
            read_log(store, middle, filter).await;
        }
        Work::LogOfStreams => {
            let filter = LogFilter {
                streams: fifty().map(grown).collect(),
                ..LogFilter::default()
            };
            read_log(store, middle, filter).await;
        }
        Work::LogOfALongStream => {
            let filter = LogFilter {
                streams: vec![long()],
                ..LogFilter::default()
            };
            read_log(store, Some(Position::new([0, 530, 7])), filter).await;
        }
        Work::LogEnd => drop(store.log().unwrap().end().await.unwrap()),
        Work::LogTail => soon(store.log().unwrap().changed(None)).await,
        Work::Snapshots => {
            let snapshot = Snapshot {
                version: version(4),
                schema_version: SchemaVersion::FIRST,
                document: "{}".into(),
            };
            let snapshots = store.snapshots().unwrap();
            snapshots.put(&grown(7), snapshot).await.unwrap();
            snapshots.get(&grown(8), SchemaVersion::FIRST).await.unwrap();
            snapshots.delete_through(&grown(9), version(2)).await.unwrap();
        }
        Work::Checkpoints => {
            let checkpoints = store.checkpoints().unwrap();
            let fence = checkpoints.claim("mine").await.unwrap().fence;
            assert!(checkpoints.put("mine", middle, fence).await.unwrap());
            checkpoints.get("mine").await.unwrap();
        }
        Work::Leases => {
            let mine = Category::parse("mine").unwrap();
            drop(store.sole_writer().unwrap().acquire(&mine).await.unwrap());
        }
        Work::Erase => {
            let (stream, at) = if round == 0 {
                (order("gone"), 1)
            } else {
                (grown(300), 6)
            };
            append(&[asynx_core::store::AppendGroup {
                stream: stream.clone(),
                events: vec![samples::tombstone(at)],
            }])
            .await;
            let erase = store.erase().unwrap();
            erase
                .erase_through(&stream, version(at), ForgetPolicy::KeepRows)
                .await
                .unwrap();
        }
        Work::Pending => drop(store.erase().unwrap().pending(&category).await.unwrap()),
    }
}

/// Sequential scans, and blocks of tables and indexes, since the statistics began. Backends tell when they end.
async fn counted(postgres: &mut PgConnection) -> (i64, i64) {
    let counted = "select coalesce(sum(t.seq_scan) filter (where t.relname not in ('log', 'migrations')), 0)::bigint, sum(coalesce(heap_blks_read, 0) + coalesce(heap_blks_hit, 0)
             + coalesce(idx_blks_read, 0) + coalesce(idx_blks_hit, 0) + coalesce(toast_blks_read, 0)
             + coalesce(toast_blks_hit, 0))::bigint
        from pg_stat_user_tables t join pg_statio_user_tables b using (relid) where t.schemaname = 'asynx'";
    let mut last = (-1, -1);
    loop {
        let now: (i64, i64) = query_as(counted).fetch_one(&mut *postgres).await.unwrap();
        if now == last {
            return now;
        }
        last = now;
        sleep(Duration::from_millis(30)).await;
    }
}

async fn ended(postgres: &mut PgConnection, name: &str) {
    let left = "select count(*) from pg_stat_activity where application_name = $1";
    while query_scalar::<_, i64>(left)
        .bind(name)
        .fetch_one(&mut *postgres)
        .await
        .unwrap()
        > 0
    {
        sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn work_stays_small_on_tables_that_grew_after_the_plans_were_cached() {
    let cluster = Cluster::start();
    // New statistics would make new plans.
    cluster.configure("autovacuum = off");
    cluster.stop("fast");
    cluster.go_on();
    let mut postgres = connect_to(&cluster.url()).await;
    let options = PostgresOptions::new()
        .with_readers(1)
        .with_lanes(LaneOptions::default().with_lanes(1))
        .with_poll_interval(Duration::from_secs(600))
        .without_notify();
    let mut stores = Vec::new();
    for (what, most) in ALL {
        let name = format!("{what:?}");
        let url = format!("{}?application_name={name}", cluster.url());
        let store = PostgresStore::connect_with(&url, options.clone()).await.unwrap();
        soon(work(&store, what, 0)).await;
        stores.push((store, what, most, name));
    }
    run(&mut connect_to(&cluster.url()).await, GROW).await;
    // A backend that is idle has told by then what it did before.
    sleep(Duration::from_secs(11)).await;
    for (store, what, most, name) in stores {
        let before = counted(&mut postgres).await;
        if what == Work::LogTail {
            // It looks on its own, once something was appended here.
            store.append(&order("tail"), samples::event(1)).await.unwrap();
            sleep(Duration::from_millis(100)).await;
        } else {
            soon(work(&store, what, 1)).await;
        }
        soon(store.close()).await;
        drop(store);
        ended(&mut postgres, &name).await;
        let after = counted(&mut postgres).await;
        let (scans, blocks) = (after.0 - before.0, after.1 - before.1);
        println!("{name}: {blocks} blocks");
        assert_eq!(scans, 0, "{name} scanned a table");
        assert!(
            blocks > 0 && blocks <= most,
            "{name} took {blocks} blocks, at most {most} are expected"
        );
    }
}
