use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use asynx::Asynx;
use asynx::projection::{
    Batch, Detached, Engine, Entry, HandlerError, Projection, ProjectionHandle, ProjectionOptions, State, Typed,
};
use asynx::runtime::TokioRuntime;
use asynx::store::MemoryStore;
use futures::StreamExt;
use metrics_util::debugging::DebuggingRecorder;

use crate::common::{Order, add, create, soon};
use crate::figures::Figures;
use crate::spans::Spans;

/// Fails at `O-2` for good, and the first time that it is called at all.
#[derive(Default)]
struct Totals(AtomicU32);

#[async_trait]
impl Projection for Totals {
    type Decode = Typed<Order>;

    async fn handle(&self, batch: Batch<'_, Entry<Order>>) -> Result<(), HandlerError> {
        if self.0.fetch_add(1, Ordering::Relaxed) == 0 {
            return Err(HandlerError::transient("not now"));
        }
        match batch.iter().any(|entry| entry.aggregate_id().as_str() == "O-2") {
            true => Err(HandlerError::permanent("never")),
            false => Ok(()),
        }
    }
}

/// A projection over this store that has seen everything.
async fn live(store: &MemoryStore) -> (Engine, ProjectionHandle) {
    let runtime = Arc::new(TokioRuntime::current().unwrap());
    let engine = Engine::builder(store.clone(), runtime).build().unwrap();
    let options = ProjectionOptions::new().with_poll_interval(Duration::from_millis(20));
    let options = options.with_backoff(Duration::from_millis(1), Duration::from_millis(2));
    let totals = Detached(Totals::default());
    let handle = engine.run("totals", options, Typed::<Order>::new, totals).unwrap();
    let mut watched = Box::pin(handle.watch());
    soon(async {
        while let Some(status) = watched.next().await {
            if status.state == State::Live {
                return;
            }
        }
    })
    .await;
    (engine, handle)
}

async fn filled() -> MemoryStore {
    let store = MemoryStore::new();
    let orders = Asynx::<Order>::builder().store(store.clone()).build().await.unwrap();
    let traced = orders.send(create("O-1"));
    let traced = traced.traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    soon(traced).await.unwrap();
    soon(orders.send(create("O-2"))).await.unwrap();
    soon(orders.send(add("O-1", 1))).await.unwrap();
    store
}

const LABELS: [(&str, &str); 3] = [("projection", "totals"), ("version", "1"), ("partition", "0")];

#[tokio::test]
async fn how_a_projection_is_doing() {
    let store = filled().await;
    let recorder = DebuggingRecorder::new();
    let installed = metrics::set_default_local_recorder(&recorder);
    let (engine, handle) = live(&store).await;
    drop(installed);
    let status = handle.status();
    let figures = Figures::of(&recorder);
    assert_eq!(figures.count("asynx_projection_events_total", &LABELS), 2);
    assert_eq!(figures.count("asynx_projection_parked_total", &LABELS), 1);
    assert_eq!(
        figures.count("asynx_projection_failures_total", &LABELS),
        status.failures
    );
    assert!(status.failures >= 2, "{status:?}");
    let attempts = figures.spread("asynx_projection_handler_seconds", &LABELS).len() as u64;
    assert!(attempts > status.failures, "{attempts} {status:?}");
    assert_eq!(figures.gauge("asynx_projection_lag_seconds", &LABELS), 0.0);
    assert_eq!(figures.gauge("asynx_projection_remaining_events", &LABELS), 0.0);
    assert!(soon(engine.stop(Duration::from_secs(5))).await);
}

#[tokio::test]
async fn how_far_a_projection_is_behind() {
    struct Stuck;

    #[async_trait]
    impl Projection for Stuck {
        type Decode = Typed<Order>;

        async fn handle(&self, _: Batch<'_, Entry<Order>>) -> Result<(), HandlerError> {
            Err(HandlerError::transient("not yet"))
        }
    }

    let store = filled().await;
    tokio::time::sleep(Duration::from_millis(30)).await;
    for stops in [false, true] {
        let recorder = DebuggingRecorder::new();
        let _installed = metrics::set_default_local_recorder(&recorder);
        let runtime = Arc::new(TokioRuntime::current().unwrap());
        let engine = Engine::builder(store.clone(), runtime).build().unwrap();
        let options = ProjectionOptions::new();
        let handle = engine
            .run("totals", options, Typed::<Order>::new, Detached(Stuck))
            .unwrap();
        soon(async {
            while handle.status().lag.is_none() || handle.status().remaining.is_none() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        })
        .await;
        if stops {
            assert!(soon(engine.stop(Duration::from_secs(5))).await);
        }
        let figures = Figures::of(&recorder);
        let lag = figures.gauge("asynx_projection_lag_seconds", &LABELS);
        let remaining = figures.gauge("asynx_projection_remaining_events", &LABELS);
        match stops {
            false => assert!((0.03..20.0).contains(&lag) && remaining == 3.0, "{lag} {remaining}"),
            // Another process may run it from now on.
            true => assert_eq!((lag, remaining), (0.0, 0.0)),
        }
        assert!(stops || soon(engine.stop(Duration::from_secs(5))).await);
    }
}

#[tokio::test]
async fn the_span_of_a_batch() {
    let store = filled().await;
    let spans = Spans::default();
    let _subscribed = spans.subscribe();
    let (engine, _) = live(&store).await;
    assert!(soon(engine.stop(Duration::from_secs(5))).await);
    let attempts = spans.named("asynx.handle");
    let first = &attempts[0];
    assert_eq!(
        first.names(),
        [
            "events",
            "first",
            "last",
            "outcome",
            "partition",
            "projection",
            "traceparent",
            "version"
        ]
    );
    assert_eq!((first.field("projection"), first.field("events")), ("totals", "3"));
    assert_eq!(first.field("outcome"), "failed");
    assert_eq!(
        first.field("traceparent"),
        "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    );
    assert!(attempts.iter().any(|attempt| attempt.field("outcome") == "handled"));
}
