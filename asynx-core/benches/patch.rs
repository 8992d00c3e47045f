//! `cargo bench -p asynx-core`: tapes, the differ, the codec of records, and what replay does with them.
#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::hint::black_box;
use std::sync::Arc;

use asynx_core::patch::{Document, Tape, create, diff};
use asynx_core::{Aggregate, EventId, EventName, Fold, Metadata, NoUpcast, Record, SchemaVersion, StreamId, Timestamp};
use asynx_core::{Upcast, Version};
use bytes::Bytes;
use criterion::{Criterion, Throughput};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

#[derive(Clone, Serialize, Deserialize)]
struct Order {
    id: String,
    customer: String,
    status: String,
    note: Option<String>,
    total_cents: i64,
    lines: Vec<Line>,
}

#[derive(Clone, Serialize, Deserialize)]
struct Line {
    sku: String,
    name: String,
    quantity: u32,
    cents: i64,
}

impl Aggregate for Order {
    const CATEGORY: &'static str = "order";
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    patches(&mut criterion);
    records(&mut criterion);
    replay(&mut criterion);
    criterion.final_summary();
}

fn order(lines: u32) -> Order {
    let line = |number| Line {
        sku: format!("SKU-{number:05}"),
        name: format!("A thing of the kind {number}"),
        quantity: 1 + number % 3,
        cents: 250,
    };
    Order {
        id: "ORD-000042".to_owned(),
        customer: "Ada Lovelace".to_owned(),
        status: "pending".to_owned(),
        note: None,
        total_cents: 2_500,
        lines: (0..lines).map(line).collect(),
    }
}

fn patches(criterion: &mut Criterion) {
    let old = order(5);
    let mut new = old.clone();
    new.lines[2].quantity += 1;
    new.total_cents += 250;
    let (before, after) = (Tape::of(&old).unwrap(), Tape::of(&new).unwrap());
    let mut group = criterion.benchmark_group("patch");
    group.bench_function("to_vec", |b| b.iter(|| serde_json::to_vec(black_box(&new)).unwrap()));
    group.bench_function("tape", |b| {
        b.iter(|| Tape::of_reusing(black_box(&new), before.room_like()).unwrap());
    });
    group.bench_function("diff of tapes, a small change", |b| {
        b.iter(|| diff(black_box(&before), &after))
    });
    group.bench_function("diff of tapes, no change", |b| {
        b.iter(|| diff(black_box(&before), &before))
    });
    group.bench_function("tape and diff, a small change", |b| {
        b.iter(|| diff(&before, &Tape::of_reusing(black_box(&new), before.room_like()).unwrap()));
    });
    group.bench_function("create", |b| b.iter(|| create(black_box(&after))));

    let old = order(100);
    let mut new = old.clone();
    new.lines.remove(0);
    let (before, after) = (Tape::of(&old).unwrap(), Tape::of(&new).unwrap());
    group.bench_function("diff of tapes, the first of 100 lines removed", |b| {
        b.iter(|| diff(black_box(&before), &after));
    });
    group.finish();
}

fn record(version: u64, patch: Vec<u8>) -> Record {
    Record::new(
        EventId::from_uuid(Uuid::from_u128(version.into())),
        EventName::parse("QuantityChanged").unwrap(),
        Version::new(version).unwrap(),
        SchemaVersion::FIRST,
        Timestamp::from_micros(1_700_000_000_000_000),
        Arc::new(Metadata::default()),
        Bytes::from(patch),
    )
}

const CHANGE: &[u8] =
    br#"[{"op":"replace","path":"/total_cents","value":2750},{"op":"replace","path":"/lines/2/quantity","value":4}]"#;

fn records(criterion: &mut Criterion) {
    let record = record(7, CHANGE.to_vec());
    let bytes = record.encode();
    let mut group = criterion.benchmark_group("record");
    group.bench_function("encode", |b| b.iter(|| black_box(&record).encode()));
    group.bench_function("decode", |b| b.iter(|| Record::decode(black_box(&bytes)).unwrap()));
    group.finish();
}

fn replay(criterion: &mut Criterion) {
    const EVENTS: u64 = 1_000;
    let first = create(&Tape::of(&order(5)).unwrap());
    let stream = StreamId::parse("order", "ORD-000042").unwrap();
    let upcast: Arc<dyn Upcast> = Arc::new(NoUpcast);
    let records: Vec<Record> = (1..=EVENTS)
        .map(|version| record(version, if version == 1 { first.clone() } else { CHANGE.to_vec() }))
        .collect();
    let mut group = criterion.benchmark_group("replay");
    group.throughput(Throughput::Elements(EVENTS));
    group.bench_function("apply 1,000 patches", |b| {
        b.iter(|| {
            let mut document = Document::default();
            for record in &records {
                document.apply(black_box(&record.patch)).unwrap();
            }
            document
        });
    });
    group.bench_function("fold 1,000 records to a state", |b| {
        b.iter(|| {
            let mut fold = Fold::after(&stream, &upcast, None);
            for record in &records {
                fold.apply(black_box(record)).unwrap();
            }
            fold.state::<Order>().unwrap().unwrap()
        });
    });
    group.finish();
}
