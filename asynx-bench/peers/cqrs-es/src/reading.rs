use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use bench_workload::{Action, Arguments, Report, System as _, median, per_second, time};
use cqrs_es::persist::QueryReplay;
use cqrs_es::{EventEnvelope, Query};
use postgres_es::{PostgresEventRepository, default_postgress_pool};

use crate::orders::Purchase;
use crate::postgres;

/// Loads of one long stream.
pub(crate) async fn replay(arguments: &Arguments, report: &mut Report) {
    let events: u64 = arguments.get("events", 10_000);
    let orders = postgres().await;
    let placed = std::iter::once(Action::Place);
    orders
        .act("ORD-1", placed.chain((1..events).map(Action::always)).collect())
        .await;
    let mut loads = Vec::new();
    let begun = Instant::now();
    while begun.elapsed() < arguments.seconds() || loads.len() < 4 {
        let (order, took) = time(orders.state("ORD-1")).await;
        assert!(
            order
                .lines
                .iter()
                .any(|line| line.quantity as u64 == 1_000 + events - 1)
        );
        loads.push(per_second(events, took));
    }
    // The first is the warm-up.
    report.figure("load_events_per_s", median(&mut loads[1..]));
}

struct Count(Arc<AtomicU64>);

#[async_trait::async_trait]
impl Query<Purchase> for Count {
    async fn dispatch(&self, _: &str, events: &[EventEnvelope<Purchase>]) {
        self.0.fetch_add(events.len() as u64, Ordering::Relaxed);
    }
}

/// Its replay of everything to a query that only counts. It keeps no checkpoint.
pub(crate) async fn catch_up(arguments: &Arguments, report: &mut Report) {
    const STREAM: u64 = 100;
    let streams = arguments.get("events", 100_000) / STREAM;
    let orders = postgres().await;
    for stream in 0..streams {
        orders
            .act(&format!("ORD-{stream:07}"), (0..STREAM).map(Action::at).collect())
            .await;
    }
    let mut rates = Vec::new();
    let begun = Instant::now();
    while begun.elapsed() < arguments.seconds() || rates.len() < 3 {
        let pool = default_postgress_pool(&Arguments::database()).await;
        let counted = Arc::new(AtomicU64::new(0));
        let replay = QueryReplay::<_, _, Purchase>::new(PostgresEventRepository::new(pool), Count(counted.clone()));
        let (replayed, took) = time(replay.replay_all()).await;
        replayed.unwrap();
        assert_eq!(counted.load(Ordering::Relaxed), streams * STREAM);
        rates.push(per_second(streams * STREAM, took));
    }
    // The first is the warm-up.
    report.figure("events_per_s", median(&mut rates[1..]));
}
