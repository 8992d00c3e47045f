//! `cargo bench -p asynx --bench send`: through the queue of a shard to the memory store and back.
#![expect(clippy::unwrap_used, reason = "a bench fails by panicking")]

use std::borrow::Cow;
use std::convert::Infallible;

use asynx::store::MemoryStore;
use asynx::{Aggregate, Asynx, Command};
use criterion::{Criterion, Throughput};
use futures::future::join_all;
use serde::{Deserialize, Serialize};
use tokio::runtime::Runtime;

#[derive(Clone, Serialize, Deserialize)]
struct Counter {
    count: u64,
}

impl Aggregate for Counter {
    const CATEGORY: &'static str = "counter";
}

struct Add {
    id: String,
}

impl Command<Counter> for Add {
    type Rejection = Infallible;

    fn aggregate_id(&self) -> Cow<'_, str> {
        (&self.id).into()
    }

    fn event_name(&self) -> Cow<'_, str> {
        "Added".into()
    }

    fn validate(&self, _: Option<&Counter>) -> Result<(), Infallible> {
        Ok(())
    }

    fn emit(&self, current: Option<&Counter>) -> Counter {
        Counter {
            count: current.map_or(0, |counter| counter.count) + 1,
        }
    }
}

fn main() {
    let mut criterion = Criterion::default().configure_from_args();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    commands(&mut criterion, &runtime);
    reads(&mut criterion, &runtime);
    criterion.final_summary();
}

fn add(number: usize) -> Add {
    Add {
        id: format!("C-{number:04}"),
    }
}

fn commands(criterion: &mut Criterion, runtime: &Runtime) {
    const AT_ONCE: usize = 64;
    let mut group = criterion.benchmark_group("send");
    let open = async || {
        Asynx::<Counter>::builder()
            .store(MemoryStore::new())
            .build()
            .await
            .unwrap()
    };

    let counters = runtime.block_on(open());
    group.bench_function("one, to its answer", |b| {
        b.iter(|| runtime.block_on(async { counters.send(add(1)).await.unwrap() }));
    });
    let counters = runtime.block_on(open());
    group.throughput(Throughput::Elements(AT_ONCE as u64));
    group.bench_function("64 at once, to as many aggregates", |b| {
        b.iter(|| runtime.block_on(join_all((0..AT_ONCE).map(|number| counters.send(add(number))))));
    });
    let counters = runtime.block_on(open());
    group.bench_function("64 at once, to one aggregate", |b| {
        b.iter(|| runtime.block_on(join_all((0..AT_ONCE).map(|_| counters.send(add(1))))));
    });
    group.finish();
}

fn reads(criterion: &mut Criterion, runtime: &Runtime) {
    let open = async |sole: bool| {
        let builder = Asynx::<Counter>::builder().store(MemoryStore::new());
        let builder = if sole { builder.sole_writer() } else { builder };
        let counters = builder.build().await.unwrap();
        counters.send(add(1)).await.unwrap();
        counters
    };
    let mut group = criterion.benchmark_group("get");
    for (name, sole) in [("checked against the store", false), ("by the sole writer", true)] {
        let counters = runtime.block_on(open(sole));
        group.bench_function(name, |b| b.iter(|| runtime.block_on(counters.get("C-0001")).unwrap()));
    }
    group.finish();
}
