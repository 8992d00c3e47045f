//! `cargo bench -p asynx-store-memory`: appends, heads, loads.
#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use asynx_core::store::{AppendGroup, HeadQuery, Load};
use asynx_core::{Store, StreamId};
use asynx_store_memory::MemoryStore;
use asynx_testkit::samples;
use criterion::{BatchSize, Criterion, Throughput};
use futures::executor::block_on;

const STREAMS: u64 = 64;

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    appends(&mut criterion);
    reads(&mut criterion);
    criterion.final_summary();
}

fn stream(number: u64) -> StreamId {
    StreamId::parse("order", &format!("ORD-{number:04}")).unwrap()
}

/// An event for each stream.
fn round(version: u64) -> Vec<AppendGroup> {
    (0..STREAMS)
        .map(|number| samples::group(&stream(number), version, 1))
        .collect()
}

fn append(store: &MemoryStore, groups: &[AppendGroup]) {
    let outcomes = block_on(store.append_batch(groups));
    assert!(outcomes.iter().all(|outcome| outcome.stopped.is_none()));
}

fn appends(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("append");
    group.throughput(Throughput::Elements(STREAMS));
    group.bench_function("64 new streams", |b| {
        let groups = round(1);
        b.iter_batched(MemoryStore::new, |store| append(&store, &groups), BatchSize::SmallInput);
    });
    group.bench_function("64 existing streams", |b| {
        let (store, mut version) = (MemoryStore::new(), 0);
        let next = || {
            version += 1;
            round(version)
        };
        b.iter_batched(next, |groups| append(&store, &groups), BatchSize::PerIteration);
    });
    group.finish();
}

fn reads(criterion: &mut Criterion) {
    const EVENTS: u64 = 100;
    let store = MemoryStore::new();
    for version in 1..=EVENTS {
        append(&store, &round(version));
    }
    let queries: Vec<HeadQuery> = (0..STREAMS)
        .map(|number| HeadQuery {
            stream: stream(number),
            event_id: None,
        })
        .collect();
    let loads: Vec<Load> = (0..STREAMS)
        .map(|number| Load {
            stream: stream(number),
            from: None,
            snapshot: None,
            limit: 1_000,
        })
        .collect();
    let mut group = criterion.benchmark_group("read");
    group.throughput(Throughput::Elements(STREAMS));
    group.bench_function("heads of 64 streams", |b| {
        b.iter(|| block_on(store.heads(&queries)).unwrap())
    });
    group.throughput(Throughput::Elements(STREAMS * EVENTS));
    group.bench_function("load 64 streams of 100 events", |b| {
        b.iter(|| block_on(store.load(&loads)).unwrap())
    });
    group.finish();
}
