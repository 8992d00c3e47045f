//! A store that fails, and answers that are lost.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic, and spawns where it stands"
)]

mod common;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use asynx_core::{Error, Event, Runtime, SendError, Store, StreamId, Version};
use asynx_processor::{Options, Processor, Sending};
use asynx_runtime::TokioRuntime;
use asynx_store_memory::MemoryStore;
use asynx_testkit::PlainStore;
use asynx_testkit::faults::{Fault, FaultPlan, Faults, FaultyStore, Rule};
use asynx_testkit::layers::{Call, Gate, GateStore, Side};
use common::{
    Do, Order, Recorder, Refused, add, cancel, create, failure, one_shard, rejection, soon, start, start_with,
};
use tokio::task::JoinHandle;

fn runtime() -> Arc<dyn Runtime> {
    Arc::new(TokioRuntime::current().unwrap())
}

fn stream() -> StreamId {
    StreamId::parse("order", "ORD-1").unwrap()
}

/// Orders in a store that fails as a test says, behind gates. `ORD-1` is there.
struct Staged {
    orders: Processor<Order>,
    bus: Arc<Recorder>,
    memory: MemoryStore,
    faults: Faults,
    gate: Gate,
}

impl Staged {
    async fn start(options: Options) -> Self {
        let memory = MemoryStore::new();
        let faulty = FaultyStore::new(memory.clone(), FaultPlan::seeded(1), runtime());
        let faults = faulty.faults();
        let store = GateStore::new(faulty);
        let gate = store.gate();
        let (orders, bus) = start_with(store, options).await;
        soon(orders.send(create("ORD-1"))).await.unwrap();
        Self {
            orders,
            bus,
            memory,
            faults,
            gate,
        }
    }

    /// Sends a command whose append is held back and counts as unknown, and holds its settling, too.
    async fn send_held(&self, sending: Sending<Order, Do>) -> JoinHandle<Sent> {
        self.faults
            .replace(FaultPlan::seeded(1).with(Rule::nth(1, Fault::Hold).on([Call::AppendBatch])));
        self.gate.close(Side::Before, Call::Heads);
        let sent = tokio::spawn(sending);
        soon(self.gate.arrived(Side::Before, Call::Heads, 1)).await;
        sent
    }
}

type Sent = Result<Event<Order>, SendError<Refused>>;

#[tokio::test]
async fn a_lost_answer_is_settled_and_the_command_carried_out_once() {
    for fault in [Fault::FailAfter, Fault::Hold] {
        let plan = || FaultPlan::seeded(1).with(Rule::nth(2, fault).on([Call::AppendBatch, Call::Append]));
        let memory = MemoryStore::new();
        let store = FaultyStore::new(memory.clone(), plan(), runtime());
        let faults = store.faults();
        carried_out_once(store, memory, faults).await;
        let plain = PlainStore::default();
        let store = FaultyStore::new(plain.clone(), plan(), runtime());
        let faults = store.faults();
        carried_out_once(store, plain, faults).await;
    }
}

async fn carried_out_once(store: impl Store, below: impl Store, faults: Faults) {
    let orders = start(store).await;
    soon(orders.send(create("ORD-1"))).await.unwrap();
    let both = futures::future::join(orders.send(add("ORD-1", 5)), orders.send(add("ORD-1", 1)));
    let (grown, behind) = soon(both).await;
    assert_eq!((grown.unwrap().version.get(), behind.unwrap().version.get()), (2, 3));
    // Where the append was held, it comes now, after it was made again.
    soon(faults.apply_held()).await;
    assert_eq!(soon(orders.get("ORD-1")).await.unwrap().total, 16);
    assert_eq!(below.count(&stream(), Version::FIRST).await.unwrap(), 3);
}

#[tokio::test]
async fn an_outcome_that_stays_unknown_is_told_and_settled_by_the_next_command() {
    let mut options = Options::default();
    options.settle_for = Duration::from_millis(20);
    let Staged {
        orders, bus, faults, ..
    } = Staged::start(options).await;
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
async fn nothing_is_kept_of_an_aggregate_whose_append_is_unknown() {
    let mut options = one_shard();
    options.sole_writer = true;
    let staged = Staged::start(options).await;
    let orders = &staged.orders;
    let sent = staged.send_held(orders.send(add("ORD-1", 5))).await;
    assert_eq!(soon(orders.get("ORD-1")).await.unwrap().total, 10);
    soon(staged.faults.apply_held()).await;
    assert_eq!(
        soon(orders.get("ORD-1")).await.unwrap().total,
        15,
        "the late append is seen"
    );
    staged.gate.open_all();
    assert_eq!(soon(sent).await.unwrap().unwrap().version.get(), 2);
    assert_eq!(soon(orders.get("ORD-1")).await.unwrap().total, 15);
}

#[tokio::test]
async fn an_append_that_lost_its_version_while_it_was_unknown_is_run_again() {
    let staged = Staged::start(one_shard()).await;
    let orders = &staged.orders;
    let sent = staged.send_held(orders.send(add("ORD-1", 5))).await;
    let other = start(staged.memory.clone()).await;
    soon(other.send(add("ORD-1", 100))).await.unwrap();
    staged.gate.open_all();
    let event = soon(sent).await.unwrap().unwrap();
    assert_eq!((event.version.get(), event.aggregate.total), (3, 115));
    soon(staged.faults.apply_held()).await;
    assert_eq!(
        soon(orders.get("ORD-1")).await.unwrap().total,
        115,
        "the late append came to nothing"
    );
    assert_eq!(staged.memory.count(&stream(), Version::FIRST).await.unwrap(), 3);
    assert_eq!(
        staged.bus.names(),
        [("OrderCreated".into(), 1), ("OrderGrown".into(), 3)]
    );
}

/// The key's id is the same in every process: only the bytes tell whose event it is.
#[tokio::test]
async fn an_event_of_another_process_with_the_same_key_is_not_taken_for_ours() {
    let staged = Staged::start(one_shard()).await;
    let orders = &staged.orders;
    let sent = staged
        .send_held(orders.send(add("ORD-1", 5)).idempotency_key("k"))
        .await;
    let other = start(staged.memory.clone()).await;
    soon(other.send(cancel("ORD-1")).idempotency_key("k")).await.unwrap();
    staged.gate.open_all();
    let refused = failure(soon(sent).await.unwrap().unwrap_err());
    assert!(matches!(refused, Error::KeyReused { .. }), "{refused}");
    let order = soon(orders.get("ORD-1")).await.unwrap();
    assert_eq!((order.status.as_str(), order.total), ("cancelled", 10));
    assert_eq!(
        staged.bus.names().len(),
        1,
        "another process's event is not published here"
    );
}

async fn faulty(memory: &MemoryStore, plan: FaultPlan, options: Options) -> Processor<Order> {
    let store = FaultyStore::new(memory.clone(), plan, runtime());
    start_with(store, options).await.0
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
        rejection(soon(orders.send(create("ORD-1"))).await),
        Some(Refused::Exists)
    );
    let plan = FaultPlan::seeded(1).with(Rule::always(Fault::Refuse).on([Call::Load]));
    let orders = faulty(&memory, plan, Options::default()).await;
    let error = failure(soon(orders.send(add("ORD-1", 1))).await.unwrap_err());
    assert!(matches!(error, Error::Store { .. }), "{error}");
    assert!(matches!(soon(orders.get("ORD-1")).await, Err(Error::Store { .. })));
}
