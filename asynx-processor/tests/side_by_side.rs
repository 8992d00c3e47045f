//! A shard waits for the store with nothing but the aggregates that it asked for.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic, and spawns where it stands"
)]

mod common;

use std::num::NonZeroUsize;

use async_trait::async_trait;
use asynx_core::store::{AppendError, AppendGroup, GroupOutcome, NewEvent, StoredEvent};
use asynx_core::{Error, Expected, Position, Store, StoreError, StreamId, Version};
use asynx_processor::Options;
use asynx_store_memory::MemoryStore;
use asynx_testkit::layers::{Call, CountingStore, FiveMethods, GateStore, Side};
use common::{Refused, add, cancel, create, everyone_was_polled, failure, one_shard, rejection, soon, start_with};

/// A store that says of itself that it makes appends together.
struct Coalescing<S>(S);

#[async_trait]
impl<S: Store> Store for Coalescing<S> {
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

    async fn append_batch(&self, groups: &[AppendGroup]) -> Vec<GroupOutcome> {
        self.0.append_batch(groups).await
    }

    fn unique_event_ids(&self) -> bool {
        self.0.unique_event_ids()
    }

    fn coalesces_appends(&self) -> bool {
        true
    }
}

fn number(n: usize) -> NonZeroUsize {
    NonZeroUsize::new(n).unwrap()
}

#[tokio::test]
async fn a_load_holds_up_nobody_else() {
    let memory = MemoryStore::new();
    let (before, _) = start_with(memory.clone(), one_shard()).await;
    soon(before.send(create("LOADED"))).await.unwrap();
    let store = GateStore::new(memory);
    let gate = store.gate();
    let (orders, bus) = start_with(store, one_shard()).await;
    soon(orders.send(create("KNOWN"))).await.unwrap();
    gate.close(Side::Before, Call::Load);
    let loaded = tokio::spawn(orders.send(add("LOADED", 1)));
    soon(gate.arrived(Side::Before, Call::Load, 1)).await;
    let behind = tokio::spawn(orders.send(add("LOADED", 2)));
    soon(orders.send(add("KNOWN", 1))).await.unwrap();
    everyone_was_polled().await;
    assert!(!loaded.is_finished() && !behind.is_finished());
    gate.open_all();
    assert_eq!(soon(loaded).await.unwrap().unwrap().aggregate.total, 11);
    assert_eq!(soon(behind).await.unwrap().unwrap().aggregate.total, 13);
    assert_eq!(bus.names().len(), 4);
}

#[tokio::test]
async fn an_append_holds_up_nobody_else_where_the_store_makes_them_together() {
    let store = GateStore::new(MemoryStore::new());
    let gate = store.gate();
    let (orders, _) = start_with(Coalescing(store), one_shard()).await;
    soon(orders.send(create("A"))).await.unwrap();
    gate.close(Side::Before, Call::AppendBatch);
    let first = tokio::spawn(orders.send(add("A", 1)));
    soon(gate.arrived(Side::Before, Call::AppendBatch, 1)).await;
    let second = tokio::spawn(orders.send(add("A", 2)));
    let other = tokio::spawn(orders.send(create("B")));
    // That of the other aggregate is under way beside the first; the second of the same one waits for it.
    soon(gate.arrived(Side::Before, Call::AppendBatch, 2)).await;
    everyone_was_polled().await;
    assert_eq!(gate.waiting(Side::Before, Call::AppendBatch), 2);
    gate.open_all();
    assert_eq!(soon(first).await.unwrap().unwrap().aggregate.total, 11);
    assert_eq!(soon(second).await.unwrap().unwrap().aggregate.total, 13);
    soon(other).await.unwrap().unwrap();
}

#[tokio::test]
async fn no_more_commands_are_under_way_than_one_batch_may_hold() {
    let store = GateStore::new(MemoryStore::new());
    let gate = store.gate();
    let mut options: Options = one_shard();
    options.max_batch = number(3);
    options.queue_depth = Some(number(2));
    let (orders, _) = start_with(Coalescing(store), options).await;
    gate.close(Side::Before, Call::AppendBatch);
    let mut sent = Vec::new();
    for n in 0..5 {
        sent.push(tokio::spawn(orders.send(create(&format!("ORD-{n}")))));
        everyone_was_polled().await;
    }
    let full = failure(soon(orders.send(create("ORD-5"))).await.unwrap_err());
    assert!(matches!(full, Error::QueueFull { depth: 2 }), "{full:?}");
    gate.open_all();
    for sent in sent {
        soon(sent).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn what_begins_an_aggregate_reads_nothing() {
    let memory = MemoryStore::new();
    let store = CountingStore::new(memory.clone());
    let calls = store.calls();
    let (orders, _) = start_with(store, one_shard()).await;
    soon(orders.send(create("NEW")).expecting(Expected::NoStream))
        .await
        .unwrap();
    assert_eq!((calls.of(Call::Load), calls.of(Call::Heads)), (0, 0));

    // Another process does not know it: the append finds out.
    let (others, _) = start_with(memory.clone(), one_shard()).await;
    let error = soon(others.send(create("NEW")).expecting(Expected::NoStream)).await;
    let error = failure(error.unwrap_err());
    assert!(
        matches!(
            error,
            Error::Unexpected {
                actual: Some(Version::FIRST),
                ..
            }
        ),
        "{error:?}"
    );
    // A rejection by what it is believed to be is not told.
    let (others, _) = start_with(memory.clone(), one_shard()).await;
    let error = soon(others.send(cancel("NEW")).expecting(Expected::NoStream)).await;
    let error = failure(error.unwrap_err());
    assert!(matches!(error, Error::Unexpected { .. }), "{error:?}");
    // And it is told where there is nothing.
    let refused = soon(others.send(cancel("NONE")).expecting(Expected::NoStream)).await;
    assert_eq!(rejection(refused), Some(Refused::Missing));

    // A new life does not begin with version 1.
    soon(orders.forget("NEW")).await.unwrap();
    let (others, _) = start_with(memory, one_shard()).await;
    let born = soon(others.send(create("NEW")).expecting(Expected::NoStream)).await;
    assert_eq!(born.unwrap().version.get(), 3);
}

#[tokio::test]
async fn each_page_of_a_load_is_asked_for_once_and_before_the_one_in_front_of_it_is_folded() {
    let memory = MemoryStore::new();
    let (before, _) = start_with(memory.clone(), one_shard()).await;
    soon(before.send(create("LONG"))).await.unwrap();
    for amount in 1..=9 {
        soon(before.send(add("LONG", amount))).await.unwrap();
    }
    let mut in_pages = one_shard();
    in_pages.page = number(3);

    let store = CountingStore::new(FiveMethods::of(memory.clone()));
    let calls = store.calls();
    let (orders, _) = start_with(store, in_pages.clone()).await;
    assert_eq!(soon(orders.get("LONG")).await.unwrap().total, 55);
    assert_eq!(calls.of(Call::Load), 4);

    // A page that cannot be folded comes too late to save the question for the next one.
    let spoilt = FiveMethods::of(memory).spoiling(|events| {
        for event in events.iter_mut().filter(|event| event.version.get() == 2) {
            event.record = bytes::Bytes::from_static(b"{");
        }
    });
    let store = CountingStore::new(spoilt);
    let calls = store.calls();
    let (orders, _) = start_with(store, in_pages).await;
    assert!(soon(orders.get("LONG")).await.is_err());
    assert_eq!(calls.of(Call::Load), 2);
}
