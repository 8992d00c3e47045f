//! Forget, snapshots, queues, the sole writer, shutdown.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic, and spawns where it stands"
)]

mod common;

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use asynx_core::store::{ForgetPolicy, Snapshot, SnapshotStore, SoleWriter, WriterLease};
use asynx_core::{Category, Error, Expected, SchemaVersion, Store, StoreError, StreamId, Version};
use asynx_processor::{Options, Overflow, Processor, StartError};
use asynx_runtime::TokioRuntime;
use asynx_store_memory::MemoryStore;
use asynx_testkit::faults::{Fault, FaultPlan, FaultyStore, Rule};
use asynx_testkit::layers::{Call, CountingStore, FiveMethods, GateStore, Side};
use common::{Recorder, add, cancel, create, everyone_was_polled, failure, parts, soon, start, start_with};

fn stream() -> StreamId {
    StreamId::parse("order", "ORD-1").unwrap()
}

fn number(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).unwrap()
}

#[tokio::test]
async fn what_is_forgotten_is_gone_and_a_new_life_begins_after_it() {
    for policy in [ForgetPolicy::KeepRows, ForgetPolicy::EraseAll] {
        let store = MemoryStore::new();
        let mut options = Options::default();
        options.forget_policy = policy;
        options.snapshot_every = Some(NonZeroUsize::MIN);
        let (orders, bus) = start_with(store.clone(), options).await;
        soon(orders.send(create("ORD-1")).idempotency_key("k")).await.unwrap();
        soon(orders.send(add("ORD-1", 5))).await.unwrap();
        soon(orders.forget("ORD-1")).await.unwrap();
        let tombstone = bus.forgotten.lock().unwrap().pop().unwrap();
        assert_eq!((tombstone.version.get(), tombstone.aggregate.total), (3, 15));
        assert!(tombstone.event_name.is_tombstone());
        assert_eq!(bus.names().len(), 2, "the tombstone is not published as an event");

        assert!(matches!(soon(orders.get("ORD-1")).await, Err(Error::NotFound { .. })));
        assert!(!soon(orders.exists("ORD-1")).await.unwrap());
        assert!(matches!(
            soon(orders.forget("ORD-1")).await,
            Err(Error::NotFound { .. })
        ));
        let at = soon(orders.get_at("ORD-1", Version::FIRST)).await;
        assert!(matches!(at, Err(Error::NotFound { .. })));
        assert_eq!(store.read_from(&stream(), Version::FIRST).await.unwrap(), []);
        let snapshots = store.snapshots().unwrap();
        assert_eq!(snapshots.get(&stream(), SchemaVersion::FIRST).await.unwrap(), None);

        if policy == ForgetPolicy::KeepRows {
            let error = failure(
                soon(orders.send(create("ORD-1")).idempotency_key("k"))
                    .await
                    .unwrap_err(),
            );
            assert!(matches!(error, Error::Forgotten { .. }), "{error}");
        }
        let born = soon(orders.send(create("ORD-1")).expecting(Expected::NoStream))
            .await
            .unwrap();
        assert_eq!(born.version.get(), 4);
        assert!(born.previous.is_none());
        assert_eq!(soon(orders.get("ORD-1")).await.unwrap().total, 10);
        let cold = start(store).await;
        assert_eq!(soon(cold.get("ORD-1")).await.unwrap().total, 10);
        assert!(matches!(soon(cold.forget("ORD-9")).await, Err(Error::NotFound { .. })));
    }
}

#[tokio::test]
async fn a_forget_that_fails_half_way_is_resumed_before_a_new_life_is_forgotten() {
    let store = MemoryStore::new();
    let (orders, bus) = start_with(store.clone(), Options::default()).await;
    soon(orders.send(create("ORD-1"))).await.unwrap();
    *bus.fail_forget.lock().unwrap() = true;
    let failed = soon(orders.forget("ORD-1")).await.unwrap_err();
    assert!(
        matches!(failed, Error::ForgetFailed { tombstone, .. } if tombstone.get() == 2),
        "{failed}"
    );
    assert!(matches!(soon(orders.get("ORD-1")).await, Err(Error::NotFound { .. })));
    assert_eq!(store.read_from(&stream(), Version::FIRST).await.unwrap().len(), 2);
    soon(orders.send(create("ORD-1"))).await.unwrap();
    soon(orders.send(add("ORD-1", 1))).await.unwrap();
    *bus.fail_forget.lock().unwrap() = false;
    soon(orders.forget("ORD-1")).await.unwrap();
    let told: Vec<_> = bus
        .forgotten
        .lock()
        .unwrap()
        .iter()
        .map(|event| event.version.get())
        .collect();
    assert_eq!(told, [2, 2, 5]);
    assert_eq!(store.read_from(&stream(), Version::FIRST).await.unwrap(), []);
}

#[tokio::test]
async fn another_process_resumes_what_a_dead_one_began() {
    let store = MemoryStore::new();
    let runtime = Arc::new(TokioRuntime::current().unwrap());
    // A first life is gone altogether, the second is not erased.
    let plan = FaultPlan::seeded(1).with(Rule::from_nth(2, Fault::Refuse).on([Call::Erase]));
    let dying = start(FaultyStore::new(store.clone(), plan, runtime)).await;
    soon(dying.send(create("ORD-1"))).await.unwrap();
    soon(dying.forget("ORD-1")).await.unwrap();
    soon(dying.send(create("ORD-1"))).await.unwrap();
    soon(dying.forget("ORD-1")).await.unwrap_err();
    drop(dying);
    let (next, bus) = start_with(store.clone(), Options::default()).await;
    soon(async {
        while !store.read_from(&stream(), Version::FIRST).await.unwrap().is_empty() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
    assert_eq!(bus.forgotten.lock().unwrap()[0].aggregate.total, 10);
    assert!(matches!(soon(next.get("ORD-1")).await, Err(Error::NotFound { .. })));
}

#[tokio::test]
async fn forgetting_twice_at_once_forgets_once() {
    let (orders, bus) = start_with(MemoryStore::new(), Options::default()).await;
    soon(orders.send(create("ORD-1"))).await.unwrap();
    let (one, other) = soon(futures::future::join(orders.forget("ORD-1"), orders.forget("ORD-1"))).await;
    assert!(one.is_ok());
    assert!(matches!(other, Err(Error::NotFound { .. })));
    assert_eq!(bus.forgotten.lock().unwrap().len(), 1);
}

#[tokio::test]
async fn snapshots_are_written_by_policy_and_by_command_and_shorten_the_load() {
    let store = MemoryStore::new();
    let mut options = Options::default();
    options.snapshot_every = Some(number(4));
    let (orders, _) = start_with(store.clone(), options).await;
    let newest = async || {
        let snapshots = store.snapshots().unwrap();
        let snapshot = snapshots.get(&stream(), SchemaVersion::FIRST).await.unwrap();
        snapshot.map(|snapshot| snapshot.version.get())
    };
    let written = async |version| {
        soon(async {
            while newest().await != Some(version) {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        })
        .await;
    };
    soon(orders.send(create("ORD-1"))).await.unwrap();
    for _ in 0..3 {
        soon(orders.send(add("ORD-1", 1))).await.unwrap();
    }
    written(4).await;
    let mut command = add("ORD-1", 1);
    command.snapshot = true;
    soon(orders.send(command)).await.unwrap();
    written(5).await;
    soon(orders.send(add("ORD-1", 1))).await.unwrap();

    let counting = CountingStore::new(store.clone());
    let calls = counting.calls();
    let cold = start(counting).await;
    assert_eq!(soon(cold.get("ORD-1")).await.unwrap().total, 15);
    assert_eq!((calls.of(Call::Load), calls.of(Call::Heads)), (1, 0));
    soon(cold.get("ORD-1")).await.unwrap();
    assert_eq!(
        (calls.of(Call::Load), calls.of(Call::Heads)),
        (1, 1),
        "the cache is only checked"
    );
}

#[tokio::test]
async fn a_snapshot_store_of_its_own_is_used_and_may_fail() {
    let (events, snapshots) = (MemoryStore::new(), MemoryStore::new());
    let mut options = Options::default();
    options.snapshot_every = Some(NonZeroUsize::MIN);
    let mut of_its_own = parts(events.clone(), Arc::new(Recorder::default()), options.clone());
    of_its_own.snapshots = Some(Arc::new(snapshots.clone()));
    let orders = Processor::start(of_its_own).await.unwrap();
    soon(orders.send(create("ORD-1"))).await.unwrap();
    soon(orders.send(add("ORD-1", 5))).await.unwrap();
    soon(orders.shutdown(Duration::from_secs(5))).await.unwrap();
    let written = SnapshotStore::get(&snapshots, &stream(), SchemaVersion::FIRST)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(written.version.get(), 2);
    assert!(
        SnapshotStore::get(&events, &stream(), SchemaVersion::FIRST)
            .await
            .unwrap()
            .is_none()
    );

    struct Broken;
    #[async_trait::async_trait]
    impl SnapshotStore for Broken {
        async fn put(&self, _: &StreamId, _: Snapshot) -> Result<(), asynx_core::StoreError> {
            panic!("broken")
        }
        async fn get(&self, _: &StreamId, _: SchemaVersion) -> Result<Option<Snapshot>, asynx_core::StoreError> {
            panic!("broken")
        }
        async fn delete_through(&self, _: &StreamId, _: Version) -> Result<(), asynx_core::StoreError> {
            Err(asynx_core::StoreError::permanent("broken"))
        }
    }
    let mut broken = parts(events, Arc::new(Recorder::default()), options);
    broken.snapshots = Some(Arc::new(Broken));
    let orders = Processor::start(broken).await.unwrap();
    assert_eq!(soon(orders.send(add("ORD-1", 5))).await.unwrap().aggregate.total, 20);
    assert!(matches!(
        soon(orders.forget("ORD-1")).await,
        Err(Error::ForgetFailed { .. })
    ));
}

#[tokio::test]
async fn a_late_snapshot_does_not_bring_back_what_was_forgotten() {
    let memory = MemoryStore::new();
    let store = GateStore::new(memory.clone());
    let gate = store.gate();
    let mut options = Options::default();
    options.snapshot_every = Some(NonZeroUsize::MIN);
    let (orders, _) = start_with(store, options).await;
    gate.close(Side::Before, Call::SnapshotPut);
    soon(orders.send(create("ORD-1"))).await.unwrap();
    soon(gate.arrived(Side::Before, Call::SnapshotPut, 1)).await;
    soon(orders.forget("ORD-1")).await.unwrap();
    gate.open_all();
    soon(orders.shutdown(Duration::from_secs(5))).await.unwrap();
    let snapshots = memory.snapshots().unwrap();
    assert_eq!(snapshots.get(&stream(), SchemaVersion::FIRST).await.unwrap(), None);
}

#[tokio::test]
async fn a_full_queue_rejects_or_waits() {
    for overflow in [Overflow::Reject, Overflow::Wait] {
        let store = GateStore::new(MemoryStore::new());
        let gate = store.gate();
        let mut options = Options::default();
        options.shards = NonZeroUsize::MIN;
        options.queue_depth = Some(number(2));
        options.overflow = overflow;
        let (orders, _) = start_with(store, options).await;
        gate.close(Side::Before, Call::AppendBatch);
        let first = tokio::spawn(orders.send(create("ORD-1")));
        soon(gate.arrived(Side::Before, Call::AppendBatch, 1)).await;
        let queued: Vec<_> = (0..2).map(|_| tokio::spawn(orders.send(add("ORD-1", 1)))).collect();
        everyone_was_polled().await;
        let third = tokio::spawn(orders.send(add("ORD-1", 1)));
        everyone_was_polled().await;
        assert_eq!(third.is_finished(), overflow == Overflow::Reject);
        // One that is dropped while it waits for a place leaves none behind.
        drop(futures::poll!(Box::pin(orders.send(add("ORD-1", 1000)))));
        gate.open_all();
        soon(first).await.unwrap().unwrap();
        for queued in queued {
            soon(queued).await.unwrap().unwrap();
        }
        match (overflow, soon(third).await.unwrap()) {
            (Overflow::Reject, Err(error)) => {
                let error = failure(error);
                assert!(matches!(error, Error::QueueFull { depth: 2 }) && error.is_transient());
            }
            (Overflow::Wait, Ok(event)) => assert_eq!(event.version.get(), 4),
            (_, other) => panic!("{other:?}"),
        }
    }
}

#[tokio::test]
async fn a_command_is_cancelled_before_its_shard_takes_it_and_carried_out_afterwards() {
    let store = GateStore::new(MemoryStore::new());
    let gate = store.gate();
    let orders = start(store).await;
    gate.close(Side::Before, Call::AppendBatch);
    let taken = tokio::spawn(orders.send(create("ORD-1")));
    soon(gate.arrived(Side::Before, Call::AppendBatch, 1)).await;
    let mut queued = Box::pin(orders.send(add("ORD-1", 5)));
    assert!(futures::poll!(&mut queued).is_pending());
    drop(queued);
    drop(orders.send(add("ORD-1", 50)));
    taken.abort();
    assert!(soon(taken).await.unwrap_err().is_cancelled());
    gate.open_all();
    assert_eq!(soon(orders.send(add("ORD-1", 1))).await.unwrap().aggregate.total, 11);
}

#[tokio::test]
async fn the_sole_writer_asks_the_store_no_more() {
    let counting = CountingStore::new(MemoryStore::new());
    let calls = counting.calls();
    let store = Arc::new(counting);
    let mut options = Options::default();
    options.sole_writer = true;
    let (orders, bus) = start_with(Arc::clone(&store), options.clone()).await;
    soon(orders.send(create("ORD-1"))).await.unwrap();
    calls.reset();
    soon(orders.get("ORD-1")).await.unwrap();
    assert!(soon(orders.exists("ORD-1")).await.unwrap());
    soon(orders.send(create("ORD-1"))).await.unwrap_err();
    assert_eq!(calls.total(), 0);
    let second = Processor::start(parts(Arc::clone(&store), bus, options.clone())).await;
    assert!(matches!(second, Err(StartError::SoleWriterTaken { .. })));
    soon(orders.shutdown(Duration::from_secs(5))).await.unwrap();
    start_with(store, options).await;
}

/// Gives a lease to everybody, which can be lost.
struct Losing(Arc<AtomicBool>);

#[async_trait::async_trait]
impl SoleWriter for Losing {
    async fn acquire(&self, _: &Category) -> Result<Option<Box<dyn WriterLease>>, StoreError> {
        Ok(Some(Box::new(Self(Arc::clone(&self.0)))))
    }
}

impl WriterLease for Losing {
    fn is_held(&self) -> bool {
        !self.0.load(Ordering::SeqCst)
    }
}

#[tokio::test]
async fn who_loses_the_lease_checks_again() {
    let (store, lost) = (MemoryStore::new(), Arc::new(AtomicBool::new(false)));
    let mut options = Options::default();
    options.sole_writer = true;
    let losing = FiveMethods::of(store.clone()).with_sole_writer(Losing(Arc::clone(&lost)));
    let (owner, _) = start_with(losing, options).await;
    let other = start(store).await;
    soon(owner.send(create("ORD-1"))).await.unwrap();
    lost.store(true, Ordering::SeqCst);
    soon(other.send(cancel("ORD-1"))).await.unwrap();
    assert_eq!(soon(owner.get("ORD-1")).await.unwrap().status, "cancelled");
    let rejected = soon(owner.send(cancel("ORD-1"))).await.unwrap_err();
    assert_eq!(rejected.rejection(), Some(&common::Refused::Is("cancelled".into())));
}

#[tokio::test]
async fn a_shutdown_answers_everyone_and_a_second_one_is_an_error() {
    let store = GateStore::new(MemoryStore::new());
    let gate = store.gate();
    let orders = start(store).await;
    gate.close(Side::Before, Call::AppendBatch);
    let sent: Vec<_> = (0..20)
        .map(|n| tokio::spawn(orders.send(create(&format!("ORD-{n}")))))
        .collect();
    soon(gate.arrived(Side::Before, Call::AppendBatch, 1)).await;
    let ending = tokio::spawn({
        let orders = orders.clone();
        async move { orders.shutdown(Duration::from_secs(10)).await }
    });
    everyone_was_polled().await;
    assert!(matches!(
        failure(soon(orders.send(create("ORD-X"))).await.unwrap_err()),
        Error::ShuttingDown
    ));
    assert!(matches!(
        soon(orders.shutdown(Duration::ZERO)).await,
        Err(Error::AlreadyShuttingDown)
    ));
    assert!(matches!(soon(orders.forget("ORD-0")).await, Err(Error::ShuttingDown)));
    gate.open_all();
    soon(ending).await.unwrap().unwrap();
    for sent in sent {
        soon(sent).await.unwrap().unwrap();
    }
    assert!(matches!(soon(orders.get("ORD-0")).await, Err(Error::ShuttingDown)));
    assert!(matches!(soon(orders.exists("ORD-0")).await, Err(Error::ShuttingDown)));
}

#[tokio::test]
async fn a_shutdown_that_is_cut_off_answers_everyone_too() {
    let store = GateStore::new(MemoryStore::new());
    let gate = store.gate();
    let mut options = Options::default();
    options.shards = NonZeroUsize::MIN;
    let (orders, _) = start_with(store, options).await;
    gate.close(Side::Before, Call::AppendBatch);
    let taken = tokio::spawn(orders.send(create("ORD-1")));
    soon(gate.arrived(Side::Before, Call::AppendBatch, 1)).await;
    let queued = tokio::spawn(orders.send(cancel("ORD-1")));
    everyone_was_polled().await;
    let cut = soon(orders.shutdown(Duration::from_millis(20))).await.unwrap_err();
    assert!(matches!(cut, Error::ShutdownIncomplete { .. }), "{cut}");
    let taken = failure(soon(taken).await.unwrap().unwrap_err());
    assert!(matches!(taken, Error::Ended { .. }), "{taken}");
    let queued = failure(soon(queued).await.unwrap().unwrap_err());
    assert!(matches!(queued, Error::ShuttingDown), "{queued}");
}

#[tokio::test]
async fn dropping_the_last_handle_ends_everything_but_carries_out_what_was_sent() {
    let store = MemoryStore::new();
    let orders = start(store.clone()).await;
    let sent = orders.send(create("ORD-1"));
    drop(orders);
    soon(sent).await.unwrap();
    everyone_was_polled().await;
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), 0);
}

#[tokio::test]
async fn a_store_that_hangs_or_panics_is_answered_for() {
    let memory = MemoryStore::new();
    let store = GateStore::new(memory.clone());
    let gate = store.gate();
    let mut options = Options::default();
    options.store_timeout = Duration::from_millis(20);
    options.settle_for = Duration::from_millis(10);
    options.max_attempts = 2;
    let (orders, _) = start_with(store, options).await;
    for call in [Call::Load, Call::Heads, Call::AppendBatch] {
        gate.close(Side::Before, call);
    }
    let error = failure(soon(orders.send(create("ORD-1"))).await.unwrap_err());
    assert!(matches!(error, Error::Store { .. }), "{error}");
    gate.open(Side::Before, Call::Load);
    let error = failure(soon(orders.send(create("ORD-1"))).await.unwrap_err());
    assert!(matches!(error, Error::Unknown { .. }), "{error}");
    assert!(matches!(soon(orders.get("ORD-2")).await, Err(Error::NotFound { .. })));
    assert!(matches!(soon(orders.exists("ORD-1")).await, Err(Error::Store { .. })));
    gate.open_all();
    soon(orders.send(create("ORD-1"))).await.unwrap_err();
    assert_eq!(soon(orders.get("ORD-1")).await.unwrap().total, 10);
}
