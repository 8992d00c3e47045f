use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use bench_workload::{Action, Arguments, Report, System as _, median, per_second, time};
use eventcore::{ProjectionConfig, Projector, StreamPosition, run_projection};

use crate::orders::Changed;
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
                .any(|line| u64::from(line.quantity) == 1_000 + events - 1)
        );
        loads.push(per_second(events, took));
    }
    // The first is the warm-up.
    report.figure("load_events_per_s", median(&mut loads[1..]));
}

struct Count {
    name: String,
    counted: Arc<AtomicU64>,
}

impl Projector for Count {
    type Event = Changed;
    type Error = Infallible;
    type Context = ();

    fn apply(&mut self, _: Changed, _: StreamPosition, (): &mut ()) -> Result<(), Infallible> {
        self.counted.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }

    fn name(&self) -> &str {
        &self.name
    }
}

/// A projection that only counts, from the beginning to the end, as it comes.
pub(crate) async fn catch_up(arguments: &Arguments, report: &mut Report) {
    const STREAM: u64 = 100;
    let streams = arguments.get("events", 4_000) / STREAM;
    let orders = postgres().await;
    for stream in 0..streams {
        orders
            .act(&format!("ORD-{stream:07}"), (0..STREAM).map(Action::at).collect())
            .await;
    }
    let mut rates = Vec::new();
    let begun = Instant::now();
    while begun.elapsed() < arguments.seconds() || rates.len() < 2 {
        let counted = Arc::new(AtomicU64::new(0));
        let name = format!("count-{}", rates.len());
        let ((), took) = time(async {
            // One call reads one page, and goes on where the last one ended.
            while counted.load(Ordering::Relaxed) < streams * STREAM {
                let count = Count {
                    name: name.clone(),
                    counted: counted.clone(),
                };
                run_projection(count, &*orders.0, ProjectionConfig::default())
                    .await
                    .unwrap();
            }
        })
        .await;
        assert_eq!(counted.load(Ordering::Relaxed), streams * STREAM);
        rates.push(per_second(streams * STREAM, took));
    }
    // The first is the warm-up.
    report.figure("events_per_s", median(&mut rates[1..]));
}
