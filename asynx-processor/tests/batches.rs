//! Commands that wait share one append, and nobody suffers from his neighbours in it.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic, and spawns where it stands"
)]

mod common;

use std::future::ready;
use std::sync::Arc;

use asynx_core::store::AppendGroup;
use asynx_core::{Error, Event, SendError, StoreError};
use asynx_processor::{Processor, Sending};
use asynx_runtime::TokioRuntime;
use asynx_store_memory::MemoryStore;
use asynx_testkit::faults::{Fault, FaultPlan, FaultyStore, Rule};
use asynx_testkit::layers::{
    Answer, Call, CallInfo, CountingStore, Failure, Gate, GateStore, Intercept, Layered, Side,
};
use common::{Do, Order, Refused, add, create, everyone_was_polled, one_shard, soon, start_with};
use futures::future::{BoxFuture, join_all};

/// Sends commands such that all of them are in one batch, behind one that holds the shard.
async fn together(
    orders: &Processor<Order>,
    gate: &Gate,
    sends: Vec<Sending<Order, Do>>,
) -> Vec<Result<Event<Order>, SendError<Refused>>> {
    gate.close(Side::Before, Call::AppendBatch);
    let first = tokio::spawn(orders.send(create("FIRST")));
    soon(gate.arrived(Side::Before, Call::AppendBatch, 1)).await;
    let sent: Vec<_> = sends.into_iter().map(tokio::spawn).collect();
    everyone_was_polled().await;
    gate.open_all();
    soon(first).await.unwrap().unwrap();
    soon(join_all(sent)).await.into_iter().map(Result::unwrap).collect()
}

/// Refuses a batch as a whole when it holds an event of one name, as a statement does that meets a bad value.
struct Choosy;

impl Intercept for Choosy {
    type Decision = bool;

    fn decide(&self, _: CallInfo) -> bool {
        false
    }

    fn cut(&self, refuses: &mut bool, groups: &[AppendGroup]) -> Option<Vec<usize>> {
        let mut events = groups.iter().flat_map(|group| &group.events);
        *refuses = events.any(|event| event.event_name == "Unwanted");
        None
    }

    fn intercept<T: Answer>(&self, call: CallInfo, refuses: bool, run: BoxFuture<'static, T>) -> BoxFuture<'static, T> {
        if !refuses {
            return run;
        }
        let refused = Failure::NotApplied(StoreError::permanent("an unwanted event"));
        Box::pin(ready(T::failed(refused, call.items)))
    }
}

#[tokio::test]
async fn commands_that_wait_share_one_append() {
    let store = GateStore::new(CountingStore::new(MemoryStore::new()));
    let (gate, calls) = (store.gate(), store.inner().calls());
    let (orders, bus) = start_with(store, one_shard()).await;
    gate.close(Side::Before, Call::AppendBatch);
    let first = tokio::spawn(orders.send(create("ORD-0")));
    soon(gate.arrived(Side::Before, Call::AppendBatch, 1)).await;
    let rest = (1..=50).map(|n| tokio::spawn(orders.send(create(&format!("ORD-{}", n / 2)))));
    let rest: Vec<_> = rest.collect();
    everyone_was_polled().await;
    gate.open_all();
    soon(first).await.unwrap().unwrap();
    let answers = soon(join_all(rest)).await;
    let accepted = answers.iter().filter(|answer| answer.as_ref().unwrap().is_ok()).count();
    assert_eq!(
        accepted, 25,
        "each order is created once: the second command of a pair sees the first one's state"
    );
    assert_eq!(calls.of(Call::AppendBatch), 2);
    assert_eq!(calls.of(Call::Load), 2, "unknown aggregates are loaded together");
    assert_eq!(bus.names().len(), 26);
}

#[tokio::test]
async fn a_refused_event_fails_alone() {
    let store = GateStore::new(Layered::over(MemoryStore::new(), Choosy));
    let gate = store.gate();
    let (orders, _) = start_with(store, one_shard()).await;
    gate.close(Side::Before, Call::AppendBatch);
    let first = tokio::spawn(orders.send(create("ORD-0")));
    soon(gate.arrived(Side::Before, Call::AppendBatch, 1)).await;
    let mut sent = Vec::new();
    for n in 1..=9 {
        sent.push(tokio::spawn(orders.send(create(&format!("ORD-{n}")))));
    }
    let mut bad = add("ORD-5", 1);
    bad.name = "Unwanted";
    sent.push(tokio::spawn(orders.send(bad)));
    sent.push(tokio::spawn(orders.send(add("ORD-5", 7))));
    everyone_was_polled().await;
    gate.open_all();
    soon(first).await.unwrap().unwrap();
    let answers: Vec<_> = soon(join_all(sent)).await.into_iter().map(Result::unwrap).collect();
    let failed: Vec<usize> = (0..answers.len()).filter(|&at| answers[at].is_err()).collect();
    assert_eq!(failed, [9]);
    assert_eq!(soon(orders.get("ORD-5")).await.unwrap().total, 17);
}

#[tokio::test]
async fn a_rejection_by_a_state_that_was_not_stored_is_not_told() {
    let store = GateStore::new(Layered::over(MemoryStore::new(), Choosy));
    let gate = store.gate();
    let (orders, _) = start_with(store, one_shard()).await;
    let mut refused = create("ORD-1");
    refused.name = "Unwanted";
    let sends = vec![orders.send(refused), orders.send(create("ORD-1"))];
    let answers = together(&orders, &gate, sends).await;
    assert!(matches!(answers[0], Err(SendError::Failed(Error::Store { .. }))));
    assert!(
        answers[1].is_ok(),
        "the order that it would have found was never stored: {:?}",
        answers[1]
    );
}

#[tokio::test]
async fn a_key_is_looked_up_before_a_rejection_that_an_append_proves() {
    let store = GateStore::new(MemoryStore::new());
    let gate = store.gate();
    let (orders, _) = start_with(store, one_shard()).await;
    let first = soon(orders.send(create("ORD-1")).idempotency_key("k")).await.unwrap();
    let sends = vec![
        orders.send(create("ORD-1")).idempotency_key("k"),
        orders.send(create("ORD-1")).idempotency_key("another"),
        orders.send(add("ORD-1", 1)),
    ];
    let answers = together(&orders, &gate, sends).await;
    assert_eq!(answers[0].as_ref().unwrap().id, first.id);
    assert_eq!(answers[1].as_ref().unwrap_err().rejection(), Some(&Refused::Exists));
    assert_eq!(answers[2].as_ref().unwrap().version.get(), 2);
}

#[tokio::test]
async fn a_tombstone_is_the_last_event_of_its_group() {
    let store = GateStore::new(CountingStore::new(MemoryStore::new()));
    let (gate, calls) = (store.gate(), store.inner().calls());
    let (orders, _) = start_with(store, one_shard()).await;
    soon(orders.send(create("ORD-1"))).await.unwrap();
    calls.reset();
    gate.close(Side::Before, Call::AppendBatch);
    let first = tokio::spawn(orders.send(create("FIRST")));
    soon(gate.arrived(Side::Before, Call::AppendBatch, 1)).await;
    let forgetting = tokio::spawn({
        let orders = orders.clone();
        async move { orders.forget("ORD-1").await }
    });
    everyone_was_polled().await;
    let born = tokio::spawn(orders.send(create("ORD-1")));
    everyone_was_polled().await;
    gate.open_all();
    soon(first).await.unwrap().unwrap();
    soon(forgetting).await.unwrap().unwrap();
    assert_eq!(soon(born).await.unwrap().unwrap().version.get(), 3);
    assert_eq!(
        calls.of(Call::AppendBatch),
        3,
        "stores need not expect events behind a tombstone in one group"
    );
}

#[tokio::test]
async fn commands_that_are_run_again_do_not_fall_behind_later_ones() {
    let memory = MemoryStore::new();
    let runtime = Arc::new(TokioRuntime::current().unwrap());
    let plan = FaultPlan::seeded(1).with(Rule::nth(3, Fault::Conflict).on([Call::AppendBatch]));
    let store = GateStore::new(FaultyStore::new(memory, plan, runtime));
    let gate = store.gate();
    let mut options = one_shard();
    // Each batch takes one event of the aggregate, and the rest is put back.
    options.max_batch_bytes = 1;
    let (orders, _) = start_with(store, options).await;
    soon(orders.send(create("ORD-1"))).await.unwrap();
    let sends = (0..4).map(|n| orders.send(add("ORD-1", n))).collect();
    let answers = together(&orders, &gate, sends).await;
    let versions: Vec<u64> = answers
        .into_iter()
        .map(|answer| answer.unwrap().version.get())
        .collect();
    assert_eq!(versions, [2, 3, 4, 5]);
}
