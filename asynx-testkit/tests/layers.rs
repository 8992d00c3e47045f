//! What the counting and the gated store do.

use std::future::Future;
use std::task::Poll;

use asynx_core::store::{HeadQuery, Snapshot};
use asynx_core::{Category, SchemaVersion, Store, StreamId, Version};
use asynx_store_memory::MemoryStore;
use asynx_testkit::layers::{Call, CountingStore, GateStore, Side};
use asynx_testkit::{ThreadRuntime, samples};
use bytes::Bytes;
use futures::future::{join, join3, poll_immediate};
use futures::poll;

fn stream(id: &str) -> StreamId {
    StreamId::parse("layer", id).expect("a valid id")
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    ThreadRuntime.block_on(future)
}

#[test]
fn counts_calls_items_and_events() {
    let store = CountingStore::new(MemoryStore::new());
    let calls = store.calls();
    let groups = [samples::group(&stream("a"), 1, 2), samples::group(&stream("b"), 1, 3)];
    let query = |id| HeadQuery {
        stream: stream(id),
        event_id: None,
    };
    block_on(async {
        store.append_batch(&groups).await;
        store.append(&stream("a"), samples::event(3)).await.unwrap();
        store.heads(&[query("a"), query("b")]).await.unwrap();
        store.heads(&[query("a")]).await.unwrap();
    });
    assert_eq!((calls.of(Call::AppendBatch), calls.items(Call::AppendBatch)), (1, 2));
    assert_eq!((calls.events(Call::AppendBatch), calls.events(Call::Append)), (5, 1));
    assert_eq!(
        (
            calls.of(Call::Heads),
            calls.items(Call::Heads),
            calls.largest(Call::Heads)
        ),
        (2, 3, 2)
    );
    assert_eq!(calls.total(), 4);
    assert_eq!(
        (calls.under_way(Call::Heads), calls.most_under_way(Call::Heads)),
        (0, 1)
    );
    calls.reset();
    assert_eq!(calls.total(), 0);
}

#[test]
fn counts_the_calls_of_capabilities() {
    let store = CountingStore::new(MemoryStore::new());
    let calls = store.calls();
    let category = Category::parse("layer").unwrap();
    block_on(async {
        let snapshots = store.snapshots().unwrap();
        let snapshot = Snapshot {
            version: Version::FIRST,
            schema_version: SchemaVersion::FIRST,
            document: Bytes::from_static(b"{}"),
        };
        snapshots.put(&stream("a"), snapshot).await.unwrap();
        assert!(
            snapshots
                .get(&stream("a"), SchemaVersion::FIRST)
                .await
                .unwrap()
                .is_some()
        );
        assert!(store.log().unwrap().end().await.unwrap().is_none());
        assert!(store.erase().unwrap().pending(&category).await.unwrap().is_empty());
        assert!(store.sole_writer().unwrap().acquire(&category).await.unwrap().is_some());
    });
    for call in [
        Call::SnapshotPut,
        Call::SnapshotGet,
        Call::LogEnd,
        Call::Pending,
        Call::Acquire,
    ] {
        assert_eq!(calls.of(call), 1, "{call:?}");
    }
}

#[test]
fn counts_what_is_under_way_until_it_is_dropped() {
    let gated = GateStore::new(MemoryStore::new());
    gated.gate().close(Side::Before, Call::Count);
    let store = CountingStore::new(gated);
    let calls = store.calls();
    let (a, b) = (stream("a"), stream("b"));
    block_on(async {
        let mut one = store.count(&a, Version::FIRST);
        let mut two = store.count(&b, Version::FIRST);
        assert!(poll!(&mut one).is_pending() && poll!(&mut two).is_pending());
        assert_eq!(calls.under_way(Call::Count), 2);
        drop(one);
        assert_eq!(
            (calls.under_way(Call::Count), calls.most_under_way(Call::Count)),
            (1, 2)
        );
    });
}

#[test]
fn a_gate_before_holds_the_call_and_behind_it_the_answer() {
    let memory = MemoryStore::new();
    let store = GateStore::new(memory.clone());
    let (gate, a) = (store.gate(), stream("a"));
    let stored = || block_on(memory.count(&a, Version::FIRST)).unwrap();
    gate.close(Side::Before, Call::Append);
    gate.close(Side::After, Call::Append);
    let mut append = store.append(&a, samples::event(1));
    assert_eq!(block_on(poll_immediate(&mut append)).map(|_| ()), None);
    assert_eq!((gate.waiting(Side::Before, Call::Append), stored()), (1, 0));
    gate.open(Side::Before, Call::Append);
    assert_eq!(block_on(poll_immediate(&mut append)).map(|_| ()), None);
    assert_eq!((gate.waiting(Side::After, Call::Append), stored()), (1, 1));
    gate.open_all();
    assert!(block_on(append).is_ok());
    assert_eq!(gate.waiting(Side::After, Call::Append), 0);
}

#[test]
fn a_gate_lets_single_calls_through() {
    let store = GateStore::new(MemoryStore::new());
    let gate = store.gate();
    gate.close(Side::Before, Call::Heads);
    block_on(async {
        let (mut one, mut two) = (store.heads(&[]), store.heads(&[]));
        assert!(poll!(&mut one).is_pending() && poll!(&mut two).is_pending());
        gate.let_through(Side::Before, Call::Heads, 1);
        assert!(matches!(poll!(&mut two), Poll::Ready(Ok(_))));
        assert!(poll!(&mut one).is_pending());
        // A dropped call no longer waits, and takes no permit.
        drop(one);
        assert_eq!(gate.waiting(Side::Before, Call::Heads), 0);
    });
}

#[test]
fn a_test_waits_for_arrivals() {
    let store = GateStore::new(MemoryStore::new());
    let gate = store.gate();
    gate.close(Side::Before, Call::Load);
    let test = async {
        gate.arrived(Side::Before, Call::Load, 2).await;
        assert_eq!(gate.waiting(Side::Before, Call::Load), 2);
        gate.open(Side::Before, Call::Load);
    };
    block_on(async {
        let (one, two, ()) = join3(store.load(&[]), store.load(&[]), test).await;
        assert!(one.is_ok() && two.is_ok());
    });
}

#[test]
fn layers_compose() {
    let gated = GateStore::new(MemoryStore::new());
    let gate = gated.gate();
    let store = CountingStore::new(gated);
    gate.close(Side::Before, Call::Delete);
    let test = async {
        gate.arrived(Side::Before, Call::Delete, 1).await;
        assert_eq!(store.calls().under_way(Call::Delete), 1);
        gate.open_all();
    };
    assert!(block_on(join(store.delete(&stream("a")), test)).0.is_ok());
    assert!(store.unique_event_ids() && store.inner().unique_event_ids());
}
