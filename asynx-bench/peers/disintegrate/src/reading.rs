use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bench_workload::{Action, Arguments, Report, median, per_second, time};
use disintegrate::{EventListener, PersistedEvent, StreamQuery, query};
use disintegrate_postgres::{PgEventId, PgEventListener, PgEventListenerConfig};

use crate::orders::{DomainEvent, open};

struct Count {
    id: &'static str,
    query: StreamQuery<PgEventId, DomainEvent>,
    counted: Arc<AtomicU64>,
}

#[async_trait]
impl EventListener<PgEventId, DomainEvent> for Count {
    type Error = Infallible;

    fn id(&self) -> &'static str {
        self.id
    }

    fn query(&self) -> &StreamQuery<PgEventId, DomainEvent> {
        &self.query
    }

    async fn handle(&self, _: PersistedEvent<PgEventId, DomainEvent>) -> Result<(), Infallible> {
        self.counted.fetch_add(1, Ordering::Relaxed);
        Ok(())
    }
}

/// A listener that only counts, from the beginning to the end, as it comes: all in one transaction with one checkpoint.
pub(crate) async fn catch_up(arguments: &Arguments, report: &mut Report) {
    const STREAM: u64 = 100;
    let streams = arguments.get("events", 100_000) / STREAM;
    let events = streams * STREAM;
    let orders = open().await;
    let actions: Vec<Action> = (0..STREAM).map(Action::at).collect();
    for stream in 0..streams {
        orders.act(&format!("ORD-{stream:07}"), &actions).await;
    }
    let mut rates = Vec::new();
    // The first is the warm-up.
    for id in ["count-0", "count-1", "count-2", "count-3"] {
        let counted = Arc::new(AtomicU64::new(0));
        let count = Count {
            id,
            query: query::<_, _, DomainEvent>(None),
            counted: counted.clone(),
        };
        let config = PgEventListenerConfig::poller(Duration::from_millis(5));
        let listener = PgEventListener::builder(orders.store.clone()).register_listener(count, config);
        let waited = counted.clone();
        let seen = async move {
            while waited.load(Ordering::Relaxed) < events {
                tokio::time::sleep(Duration::from_micros(200)).await;
            }
        };
        let (_, took) = time(listener.start_with_shutdown(seen)).await;
        assert_eq!(counted.load(Ordering::Relaxed), events);
        rates.push(per_second(events, took));
    }
    report.figure("events_per_s", median(&mut rates[1..]));
}
