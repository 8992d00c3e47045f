//! Two instances on one store: conflicts, freshness, unknown outcomes, keys.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic, and spawns where it stands"
)]

mod common;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use asynx_core::store::{AppendError, NewEvent, StoredEvent};
use asynx_core::{Error, EventId, Expected, Position, Store, StoreError, StreamId, Version};
use asynx_processor::{Options, Processor};
use asynx_runtime::TokioRuntime;
use asynx_store_memory::MemoryStore;
use asynx_testkit::faults::{Fault, FaultPlan, FaultyStore, Rule};
use asynx_testkit::layers::{Call, CountingStore, GateStore, Side};
use common::{Order, Refused, add, cancel, create, failure, soon, start, start_with};
use futures::future::join_all;

#[tokio::test]
async fn a_conflict_runs_the_command_again_on_the_newer_state() {
    let store = MemoryStore::new();
    let (one, other) = (start(store.clone()).await, start(store).await);
    soon(one.send(create("ORD-1"))).await.unwrap();
    soon(other.preload("ORD-1")).await.unwrap();
    for n in 0..20 {
        let process = if n % 2 == 0 { &one } else { &other };
        soon(process.send(add("ORD-1", 1))).await.unwrap();
    }
    assert_eq!(soon(one.get("ORD-1")).await.unwrap().total, 30);
    assert_eq!(soon(other.get("ORD-1")).await.unwrap().total, 30);
}

#[tokio::test]
async fn no_answer_rests_on_a_state_that_was_outdated_when_the_call_began() {
    let store = MemoryStore::new();
    let (one, other) = (start(store.clone()).await, start(store).await);
    assert_eq!(
        failure_or_none(soon(one.send(cancel("ORD-1"))).await),
        Some(Refused::Missing)
    );
    assert!(!soon(one.exists("ORD-1")).await.unwrap());
    soon(other.send(create("ORD-1"))).await.unwrap();
    // `one` holds in its cache that there is no such order.
    assert!(soon(one.exists("ORD-1")).await.unwrap());
    assert_eq!(soon(one.get("ORD-1")).await.unwrap().status, "pending");
    soon(other.send(cancel("ORD-1"))).await.unwrap();
    assert_eq!(soon(one.get("ORD-1")).await.unwrap().status, "cancelled");
    soon(other.send(add("ORD-1", 1))).await.unwrap();
    let expecting = one
        .send(add("ORD-1", 1))
        .expecting(Expected::Exactly(Version::new(3).unwrap()));
    soon(expecting).await.unwrap();
    soon(other.forget("ORD-1")).await.unwrap();
    assert!(matches!(soon(one.get("ORD-1")).await, Err(Error::NotFound { .. })));
    let created = soon(one.send(create("ORD-1"))).await.unwrap();
    assert_eq!(created.version.get(), 6);
    soon(other.send(cancel("ORD-1"))).await.unwrap();
    assert_eq!(
        failure_or_none(soon(one.send(cancel("ORD-1"))).await),
        Some(Refused::Is("cancelled".into()))
    );
}

fn failure_or_none<T>(result: Result<T, asynx_core::SendError<Refused>>) -> Option<Refused> {
    result.err().and_then(|error| error.rejection().cloned())
}

#[tokio::test]
async fn a_check_in_flight_does_not_serve_a_call_that_began_after_it() {
    let store = GateStore::new(MemoryStore::new());
    let gate = store.gate();
    let memory = start(store).await;
    soon(memory.send(create("ORD-1"))).await.unwrap();
    // The first look has read the head and its answer is held.
    gate.close(Side::After, Call::Heads);
    let first = tokio::spawn({
        let memory = memory.clone();
        async move { memory.get("ORD-1").await }
    });
    soon(gate.arrived(Side::After, Call::Heads, 1)).await;
    soon(memory.send(add("ORD-1", 1))).await.unwrap();
    let second = tokio::spawn({
        let memory = memory.clone();
        async move { memory.get("ORD-1").await }
    });
    gate.let_through(Side::After, Call::Heads, 1);
    soon(first).await.unwrap().unwrap();
    soon(gate.arrived(Side::After, Call::Heads, 1)).await;
    gate.open_all();
    assert_eq!(soon(second).await.unwrap().unwrap().total, 11);
}

#[tokio::test]
async fn commands_that_wait_share_one_append() {
    let store = GateStore::new(CountingStore::new(MemoryStore::new()));
    let (gate, calls) = (store.gate(), store.inner().calls());
    let mut options = Options::default();
    options.shards = NonZeroUsize::MIN;
    let (orders, bus) = start_with(store, options).await;
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

/// On the one thread of a test, tasks that were spawned have had their turn after this.
async fn everyone_was_polled() {
    for _ in 0..3 {
        tokio::task::yield_now().await;
    }
}

/// A store of five methods over another: no unique ids, no log, no snapshots.
#[derive(Clone)]
struct Simple(MemoryStore);

#[async_trait::async_trait]
impl Store for Simple {
    async fn append(&self, stream: &StreamId, event: NewEvent) -> Result<Option<Position>, AppendError> {
        if Version::after(Version::new(self.0.count(stream, Version::FIRST).await.unwrap())) != event.version {
            return Err(AppendError::Conflict);
        }
        // What it does not understand it does not use: to the memory store below, every event has an id of its own.
        let event_id = EventId::from_key(stream, &event.version.to_string());
        let event = NewEvent { event_id, ..event };
        self.0.append(stream, event).await.map(|_| None)
    }

    async fn read_from(&self, stream: &StreamId, from: Version) -> Result<Vec<StoredEvent>, StoreError> {
        self.0.read_from(stream, from).await
    }

    async fn read_range(&self, stream: &StreamId, from: Version, count: usize) -> Result<Vec<StoredEvent>, StoreError> {
        self.0.read_range(stream, from, count).await
    }

    async fn count(&self, stream: &StreamId, from: Version) -> Result<u64, StoreError> {
        self.0.count(stream, from).await
    }

    async fn delete(&self, stream: &StreamId) -> Result<(), StoreError> {
        self.0.delete(stream).await
    }
}

#[tokio::test]
async fn a_store_of_five_methods_is_enough_keys_included() {
    let store = Simple(MemoryStore::new());
    let (one, other) = (start(store.clone()).await, start(store).await);
    let first = soon(one.send(create("ORD-1")).idempotency_key("k")).await.unwrap();
    soon(other.send(add("ORD-1", 1)).idempotency_key("k2")).await.unwrap();
    let again = soon(other.send(create("ORD-1")).idempotency_key("k")).await.unwrap();
    assert_eq!(first.id, again.id);
    soon(one.send(add("ORD-1", 1)).idempotency_key("k2")).await.unwrap();
    assert_eq!(soon(one.get("ORD-1")).await.unwrap().total, 11);
    let missing = failure_or_none(soon(one.send(cancel("ORD-2")).idempotency_key("k3")).await);
    assert_eq!(missing, Some(Refused::Missing));
    assert!(matches!(soon(one.forget("ORD-1")).await, Err(Error::ForgetUnsupported)));
}

async fn faulty(memory: &MemoryStore, plan: FaultPlan, options: Options) -> Processor<Order> {
    let runtime = Arc::new(TokioRuntime::current().unwrap());
    start_with(FaultyStore::new(memory.clone(), plan, runtime), options)
        .await
        .0
}

#[tokio::test]
async fn a_lost_answer_is_settled_and_the_command_carried_out_once() {
    for fault in [Fault::FailAfter, Fault::ApplyLater(Duration::from_millis(30))] {
        for unique in [true, false] {
            let memory = MemoryStore::new();
            let plan = FaultPlan::seeded(1).with(Rule::nth(2, fault).on([Call::AppendBatch, Call::Append]));
            let orders = if unique {
                faulty(&memory, plan, Options::default()).await
            } else {
                let runtime = Arc::new(TokioRuntime::current().unwrap());
                start(FaultyStore::new(Simple(memory.clone()), plan, runtime)).await
            };
            soon(orders.send(create("ORD-1"))).await.unwrap();
            let (grown, behind) = soon(futures::future::join(
                orders.send(add("ORD-1", 5)),
                orders.send(add("ORD-1", 1)),
            ))
            .await;
            assert_eq!((grown.unwrap().version.get(), behind.unwrap().version.get()), (2, 3));
            tokio::time::sleep(Duration::from_millis(60)).await;
            assert_eq!(soon(orders.get("ORD-1")).await.unwrap().total, 16, "{fault:?} {unique}");
            let stream = StreamId::parse("order", "ORD-1").unwrap();
            assert_eq!(memory.count(&stream, Version::FIRST).await.unwrap(), 3);
        }
    }
}

#[tokio::test]
async fn an_outcome_that_stays_unknown_is_told_and_settled_by_the_next_command() {
    let memory = MemoryStore::new();
    let runtime = Arc::new(TokioRuntime::current().unwrap());
    let store = FaultyStore::new(memory.clone(), FaultPlan::seeded(1), runtime);
    let faults = store.faults();
    let mut options = Options::default();
    options.settle_for = Duration::from_millis(20);
    let (orders, bus) = start_with(store, options).await;
    soon(orders.send(create("ORD-1"))).await.unwrap();
    let lost = Rule::nth(1, Fault::FailAfter).on([Call::AppendBatch]);
    let down = Rule::always(Fault::FailBefore).on([Call::Heads, Call::Load]);
    faults.replace(FaultPlan::seeded(1).with(lost).with(down));
    let unknown = failure(soon(orders.send(add("ORD-1", 5))).await.unwrap_err());
    assert!(matches!(unknown, Error::Unknown { .. }), "{unknown}");
    let behind = failure(soon(orders.send(add("ORD-1", 1))).await.unwrap_err());
    assert!(matches!(behind, Error::Unsettled { .. }), "{behind}");
    assert_eq!(bus.names().len(), 1);
    faults.heal();
    let next = soon(orders.send(add("ORD-1", 1))).await.unwrap();
    assert_eq!((next.version.get(), next.aggregate.total), (3, 16));
    assert_eq!(
        bus.names().len(),
        3,
        "the event that was settled late is published as well"
    );
}

#[tokio::test]
async fn a_refused_event_fails_alone() {
    let memory = MemoryStore::new();
    let store = GateStore::new(Choosy(memory.clone()));
    let gate = store.gate();
    let mut options = Options::default();
    options.shards = NonZeroUsize::MIN;
    let (orders, _) = start_with(store, options).await;
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

/// Refuses a batch as a whole when it holds an event of one name, as a statement does that meets a bad value.
struct Choosy(MemoryStore);

#[async_trait::async_trait]
impl Store for Choosy {
    async fn append(&self, stream: &StreamId, event: NewEvent) -> Result<Option<Position>, AppendError> {
        self.0.append(stream, event).await
    }

    async fn read_from(&self, stream: &StreamId, from: Version) -> Result<Vec<StoredEvent>, StoreError> {
        self.0.read_from(stream, from).await
    }

    async fn read_range(&self, stream: &StreamId, from: Version, count: usize) -> Result<Vec<StoredEvent>, StoreError> {
        self.0.read_range(stream, from, count).await
    }

    async fn count(&self, stream: &StreamId, from: Version) -> Result<u64, StoreError> {
        self.0.count(stream, from).await
    }

    async fn delete(&self, stream: &StreamId) -> Result<(), StoreError> {
        self.0.delete(stream).await
    }

    async fn append_batch(&self, groups: &[asynx_core::store::AppendGroup]) -> Vec<asynx_core::store::GroupOutcome> {
        if groups
            .iter()
            .flat_map(|group| &group.events)
            .any(|event| event.event_name == "Unwanted")
        {
            let refused = AppendError::NotApplied(StoreError::permanent("an unwanted event"));
            return vec![asynx_core::store::GroupOutcome::none(refused); groups.len()];
        }
        self.0.append_batch(groups).await
    }
}

#[tokio::test]
async fn conflicts_are_tried_a_bounded_number_of_times() {
    let memory = MemoryStore::new();
    let plan = FaultPlan::seeded(1).with(Rule::from_nth(2, Fault::Conflict).on([Call::AppendBatch]));
    let mut options = Options::default();
    options.max_attempts = 4;
    let orders = faulty(&memory, plan, options).await;
    soon(orders.send(create("ORD-1"))).await.unwrap();
    let tried = Arc::new(AtomicUsize::new(0));
    let mut command = add("ORD-1", 1);
    let emit = command.emit;
    let counter = Arc::clone(&tried);
    command.emit = Box::new(move |current| {
        counter.fetch_add(1, Ordering::SeqCst);
        emit(current)
    });
    let error = failure(soon(orders.send(command)).await.unwrap_err());
    assert!(matches!(error, Error::Conflict { attempts: 4, .. }), "{error}");
    assert_eq!(tried.load(Ordering::SeqCst), 4);
}

#[tokio::test]
async fn a_passing_failure_of_the_store_is_tried_again_and_a_lasting_one_is_told() {
    let memory = MemoryStore::new();
    let plan = FaultPlan::seeded(1)
        .with(Rule::nth(1, Fault::FailBefore).on([Call::AppendBatch]))
        .with(Rule::nth(1, Fault::FailBefore).on([Call::Load]))
        .with(Rule::nth(1, Fault::FailBefore).on([Call::Heads]));
    let orders = faulty(&memory, plan, Options::default()).await;
    soon(orders.send(create("ORD-1"))).await.unwrap();
    assert_eq!(
        failure_or_none(soon(orders.send(create("ORD-1"))).await),
        Some(Refused::Exists)
    );
    let plan = FaultPlan::seeded(1).with(Rule::always(Fault::Refuse).on([Call::Load]));
    let orders = faulty(&memory, plan, Options::default()).await;
    let error = failure(soon(orders.send(add("ORD-1", 1))).await.unwrap_err());
    assert!(matches!(error, Error::Store { .. }), "{error}");
    assert!(matches!(soon(orders.get("ORD-1")).await, Err(Error::Store { .. })));
}

/// Sends commands such that all of them are in one batch, behind one that holds the shard.
async fn together(
    orders: &Processor<Order>,
    gate: &asynx_testkit::layers::Gate,
    sends: Vec<asynx_processor::Sending<Order, common::Do>>,
) -> Vec<Result<asynx_core::Event<Order>, asynx_core::SendError<Refused>>> {
    gate.close(Side::Before, Call::AppendBatch);
    let first = tokio::spawn(orders.send(create("FIRST")));
    soon(gate.arrived(Side::Before, Call::AppendBatch, 1)).await;
    let sent: Vec<_> = sends.into_iter().map(tokio::spawn).collect();
    everyone_was_polled().await;
    gate.open_all();
    soon(first).await.unwrap().unwrap();
    soon(join_all(sent)).await.into_iter().map(Result::unwrap).collect()
}

fn one_shard() -> Options {
    let mut options = Options::default();
    options.shards = NonZeroUsize::MIN;
    options
}

#[tokio::test]
async fn a_rejection_by_a_state_that_was_not_stored_is_not_told() {
    let store = GateStore::new(Choosy(MemoryStore::new()));
    let gate = store.gate();
    let (orders, _) = start_with(store, one_shard()).await;
    let mut refused = create("ORD-1");
    refused.name = "Unwanted";
    let sends = vec![orders.send(refused), orders.send(create("ORD-1"))];
    let answers = together(&orders, &gate, sends).await;
    assert!(matches!(
        answers[0],
        Err(asynx_core::SendError::Failed(Error::Store { .. }))
    ));
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
async fn nothing_is_kept_of_an_aggregate_whose_append_is_unknown() {
    let memory = MemoryStore::new();
    let runtime = Arc::new(TokioRuntime::current().unwrap());
    let faulty = FaultyStore::new(memory.clone(), FaultPlan::seeded(1), runtime);
    let faults = faulty.faults();
    let store = GateStore::new(faulty);
    let gate = store.gate();
    let mut options = one_shard();
    options.sole_writer = true;
    let (orders, _) = start_with(store, options).await;
    soon(orders.send(create("ORD-1"))).await.unwrap();
    let late = Fault::ApplyLater(Duration::from_millis(30));
    faults.replace(FaultPlan::seeded(1).with(Rule::nth(1, late).on([Call::AppendBatch])));
    // The settling is held, so that the outcome stays unknown for a while.
    gate.close(Side::Before, Call::Heads);
    let sent = tokio::spawn(orders.send(add("ORD-1", 5)));
    soon(gate.arrived(Side::Before, Call::Heads, 1)).await;
    assert_eq!(soon(orders.get("ORD-1")).await.unwrap().total, 10);
    let stream = StreamId::parse("order", "ORD-1").unwrap();
    soon(async {
        while memory.count(&stream, Version::FIRST).await.unwrap() < 2 {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    assert_eq!(
        soon(orders.get("ORD-1")).await.unwrap().total,
        15,
        "the late append is seen"
    );
    gate.open_all();
    assert_eq!(soon(sent).await.unwrap().unwrap().version.get(), 2);
    assert_eq!(soon(orders.get("ORD-1")).await.unwrap().total, 15);
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
async fn an_append_that_lost_its_version_while_it_was_unknown_is_run_again() {
    let memory = MemoryStore::new();
    let runtime = Arc::new(TokioRuntime::current().unwrap());
    let faulty = FaultyStore::new(memory.clone(), FaultPlan::seeded(1), runtime);
    let faults = faulty.faults();
    let store = GateStore::new(faulty);
    let gate = store.gate();
    let (orders, bus) = start_with(store, one_shard()).await;
    soon(orders.send(create("ORD-1"))).await.unwrap();
    let late = Fault::ApplyLater(Duration::from_millis(50));
    faults.replace(FaultPlan::seeded(1).with(Rule::nth(1, late).on([Call::AppendBatch])));
    gate.close(Side::Before, Call::Heads);
    let sent = tokio::spawn(orders.send(add("ORD-1", 5)));
    soon(gate.arrived(Side::Before, Call::Heads, 1)).await;
    soon(start(memory.clone()).await.send(add("ORD-1", 100))).await.unwrap();
    gate.open_all();
    let event = soon(sent).await.unwrap().unwrap();
    assert_eq!((event.version.get(), event.aggregate.total), (3, 115));
    tokio::time::sleep(Duration::from_millis(80)).await;
    assert_eq!(
        soon(orders.get("ORD-1")).await.unwrap().total,
        115,
        "the late append came to nothing"
    );
    assert_eq!(bus.names(), [("OrderCreated".into(), 1), ("OrderGrown".into(), 3)]);
}

/// The key's id is the same in every process: only the bytes tell whose event it is.
#[tokio::test]
async fn an_event_of_another_process_with_the_same_key_is_not_taken_for_ours() {
    let memory = MemoryStore::new();
    let runtime = Arc::new(TokioRuntime::current().unwrap());
    let faulty = FaultyStore::new(memory.clone(), FaultPlan::seeded(1), runtime);
    let faults = faulty.faults();
    let store = GateStore::new(faulty);
    let gate = store.gate();
    let (orders, bus) = start_with(store, one_shard()).await;
    soon(orders.send(create("ORD-1"))).await.unwrap();
    let never = Fault::ApplyLater(Duration::from_secs(3_600));
    faults.replace(FaultPlan::seeded(1).with(Rule::nth(1, never).on([Call::AppendBatch])));
    gate.close(Side::Before, Call::Heads);
    let sent = tokio::spawn(orders.send(add("ORD-1", 5)).idempotency_key("k"));
    soon(gate.arrived(Side::Before, Call::Heads, 1)).await;
    let other = start(memory).await;
    soon(other.send(cancel("ORD-1")).idempotency_key("k")).await.unwrap();
    gate.open_all();
    let refused = failure(soon(sent).await.unwrap().unwrap_err());
    assert!(matches!(refused, Error::KeyReused { .. }), "{refused}");
    let order = soon(orders.get("ORD-1")).await.unwrap();
    assert_eq!((order.status.as_str(), order.total), ("cancelled", 10));
    assert_eq!(bus.names().len(), 1, "another process's event is not published here");
}

#[tokio::test]
async fn a_state_that_outgrows_the_cache_leaves_no_older_one_behind() {
    let mut options = one_shard();
    options.sole_writer = true;
    options.cache_bytes = 4_000;
    let (orders, _) = start_with(MemoryStore::new(), options).await;
    soon(orders.send(create("ORD-1"))).await.unwrap();
    let mut grow = add("ORD-1", 5);
    let emit = grow.emit;
    grow.emit = Box::new(move |current| {
        let mut order = emit(current);
        order.lines = vec!["x".repeat(10_000)];
        order
    });
    soon(orders.send(grow)).await.unwrap();
    assert_eq!(soon(orders.get("ORD-1")).await.unwrap().total, 15);
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
