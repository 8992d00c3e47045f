use std::num::NonZeroUsize;
use std::sync::Arc;
use std::time::Duration;

use asynx::bus::InProcessBus;
use asynx::runtime::TokioRuntime;
use asynx::store::MemoryStore;
use asynx::{Applied, Asynx, Bus, Hooks, Options, Store};
use asynx_testkit::faults::{Fault, FaultPlan, FaultyStore, Rule};
use asynx_testkit::layers::{Call, GateStore, Side};
use metrics_util::debugging::DebuggingRecorder;

use crate::common::{Order, add, cancel, create, soon};
use crate::figures::Figures;

fn runtime() -> Arc<TokioRuntime> {
    Arc::new(TokioRuntime::current().unwrap())
}

/// Orders in one shard, that tell this recorder.
async fn orders(recorder: &DebuggingRecorder, store: impl Store) -> Asynx<Order> {
    orders_with(recorder, store, Options::default()).await
}

async fn orders_with(recorder: &DebuggingRecorder, store: impl Store, mut options: Options) -> Asynx<Order> {
    let _installed = metrics::set_default_local_recorder(recorder);
    options.shards = NonZeroUsize::MIN;
    Asynx::builder().store(store).options(options).build().await.unwrap()
}

#[tokio::test]
async fn commands_are_counted_by_what_their_callers_were_told() {
    let recorder = DebuggingRecorder::new();
    let gated = GateStore::new(MemoryStore::new());
    let gate = gated.gate();
    let orders = orders(&recorder, gated).await;
    soon(orders.send(create("O-1"))).await.unwrap();
    soon(orders.send(add("O-1", 1))).await.unwrap();
    soon(orders.send(create("O-1"))).await.unwrap_err();
    soon(orders.send(create(""))).await.unwrap_err();
    gate.close(Side::Before, Call::AppendBatch);
    let held = tokio::spawn(orders.send(add("O-1", 1)));
    soon(gate.arrived(Side::Before, Call::AppendBatch, 1)).await;
    held.abort();
    assert!(held.await.unwrap_err().is_cancelled());
    gate.open(Side::Before, Call::AppendBatch);
    soon(orders.send(add("O-1", 1))).await.unwrap();
    drop(orders.send(add("O-1", 1)));

    let figures = Figures::of(&recorder);
    let outcome = |outcome| {
        let labels = [("category", "order"), ("outcome", outcome)];
        figures.count("asynx_commands_total", &labels)
    };
    let outcomes = ["accepted", "rejected", "failed", "unknown", "cancelled"].map(outcome);
    assert_eq!(outcomes, [3, 1, 1, 0, 1]);
    assert_eq!(
        figures.spread("asynx_command_seconds", &[("category", "order")]).len(),
        6
    );
    assert_eq!(figures.count("asynx_events_total", &[("category", "order")]), 4);
}

#[tokio::test]
async fn a_batch_is_what_waited() {
    let recorder = DebuggingRecorder::new();
    let gated = GateStore::new(MemoryStore::new());
    let gate = gated.gate();
    let orders = orders(&recorder, gated).await;
    gate.close(Side::Before, Call::AppendBatch);
    let first = tokio::spawn(orders.send(create("O-1")));
    soon(gate.arrived(Side::Before, Call::AppendBatch, 1)).await;
    let others: Vec<_> = (2..=4)
        .map(|number| tokio::spawn(orders.send(create(format!("O-{number}")))))
        .collect();
    tokio::time::sleep(Duration::from_millis(30)).await;
    gate.open(Side::Before, Call::AppendBatch);
    soon(first).await.unwrap().unwrap();
    for other in others {
        soon(other).await.unwrap().unwrap();
    }

    let figures = Figures::of(&recorder);
    assert_eq!(figures.spread("asynx_batch_commands", &[]), [1.0, 3.0]);
    let queued = figures.spread("asynx_queue_seconds", &[]);
    assert_eq!(queued.len(), 4);
    assert_eq!(
        queued.iter().filter(|seconds| **seconds >= 0.03).count(),
        3,
        "{queued:?}"
    );
    let appended = figures.spread("asynx_append_seconds", &[]);
    assert_eq!(appended.len(), 2);
    assert!(
        appended[0] >= 0.03 && appended.iter().all(|seconds| *seconds < 20.0),
        "{appended:?}"
    );
}

#[tokio::test]
async fn conflicts_and_what_is_run_again() {
    let recorder = DebuggingRecorder::new();
    let memory = MemoryStore::new();
    let here = orders(&recorder, memory.clone()).await;
    let elsewhere = Asynx::<Order>::builder().store(memory).build().await.unwrap();
    soon(here.send(create("O-1"))).await.unwrap();
    assert_eq!(Figures::of(&recorder).count("asynx_conflicts_total", &[]), 0);
    soon(elsewhere.send(add("O-1", 1))).await.unwrap();
    soon(here.send(add("O-1", 1))).await.unwrap();

    let figures = Figures::of(&recorder);
    assert_eq!(figures.count("asynx_conflicts_total", &[("category", "order")]), 1);
    assert_eq!(figures.count("asynx_reruns_total", &[("category", "order")]), 1);
}

#[tokio::test]
async fn the_cache_and_what_is_replayed() {
    let recorder = DebuggingRecorder::new();
    let memory = MemoryStore::new();
    let elsewhere = Asynx::<Order>::builder().store(memory.clone()).build().await.unwrap();
    soon(elsewhere.send(create("O-1"))).await.unwrap();
    for _ in 0..4 {
        soon(elsewhere.send(add("O-1", 1))).await.unwrap();
    }
    let here = orders(&recorder, memory).await;
    soon(here.send(add("O-1", 1))).await.unwrap();
    let figures = Figures::of(&recorder);
    assert_eq!(figures.count("asynx_cache_hits_total", &[]), 0);
    assert_eq!(figures.count("asynx_cache_misses_total", &[("category", "order")]), 1);
    assert_eq!(figures.spread("asynx_replay_events", &[("category", "order")]), [5.0]);
    assert_eq!(figures.spread("asynx_load_seconds", &[("category", "order")]).len(), 1);

    let recorder = DebuggingRecorder::new();
    let here = orders(&recorder, MemoryStore::new()).await;
    soon(here.send(create("O-1"))).await.unwrap();
    soon(here.send(add("O-1", 1))).await.unwrap();
    soon(here.get("O-1")).await.unwrap();
    let figures = Figures::of(&recorder);
    assert_eq!(figures.count("asynx_cache_hits_total", &[("category", "order")]), 2);
    assert_eq!(figures.count("asynx_cache_misses_total", &[]), 1);
    assert_eq!(figures.spread("asynx_replay_events", &[]), [0.0]);
}

#[tokio::test]
async fn lost_answers() {
    let recorder = DebuggingRecorder::new();
    let plan = FaultPlan::seeded(1).with(Rule::nth(1, Fault::FailAfter).on([Call::AppendBatch]));
    let store = FaultyStore::new(MemoryStore::new(), plan, runtime());
    let settled = orders(&recorder, store).await;
    soon(settled.send(create("O-1"))).await.unwrap();
    let figures = Figures::of(&recorder);
    assert_eq!(
        figures.count("asynx_unknown_appends_total", &[("category", "order")]),
        1
    );
    assert_eq!(figures.count("asynx_commands_total", &[("outcome", "accepted")]), 1);

    let recorder = DebuggingRecorder::new();
    let mut options = Options::default();
    options.settle_for = Duration::from_millis(20);
    let plan = FaultPlan::seeded(1).with(Rule::always(Fault::FailAfter).on([Call::AppendBatch]));
    let plan = plan.with(Rule::always(Fault::FailBefore).on([Call::Heads]));
    let store = FaultyStore::new(MemoryStore::new(), plan, runtime());
    let orders = orders_with(&recorder, store, options).await;
    let error = soon(orders.send(create("O-1"))).await.unwrap_err();
    assert_eq!(error.applied(), Applied::Unknown);
    let figures = Figures::of(&recorder);
    assert_eq!(figures.count("asynx_commands_total", &[("outcome", "unknown")]), 1);
}

#[tokio::test]
async fn what_the_bus_does_not_take() {
    let recorder = DebuggingRecorder::new();
    let bus = Arc::new(InProcessBus::<Order>::new(runtime(), Hooks::default()));
    let orders = {
        let _installed = metrics::set_default_local_recorder(&recorder);
        let builder = Asynx::builder().store(MemoryStore::new());
        builder.bus(bus.clone()).build().await.unwrap()
    };
    soon(orders.send(create("O-1"))).await.unwrap();
    assert_eq!(Figures::of(&recorder).count("asynx_publish_failures_total", &[]), 0);
    bus.close();
    soon(orders.send(cancel("O-1"))).await.unwrap();
    let figures = Figures::of(&recorder);
    assert_eq!(
        figures.count("asynx_publish_failures_total", &[("category", "order")]),
        1
    );
}
