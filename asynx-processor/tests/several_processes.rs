//! Two instances on one store: conflicts, freshness, keys.
#![expect(
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a test may panic, and spawns where it stands"
)]

mod common;

use asynx_core::{Error, Expected, Version};
use asynx_processor::Options;
use asynx_store_memory::MemoryStore;
use asynx_testkit::PlainStore;
use asynx_testkit::layers::{Call, GateStore, Side};
use common::{Refused, add, cancel, create, rejection, soon, start, start_with};

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
    assert_eq!(rejection(soon(one.send(cancel("ORD-1"))).await), Some(Refused::Missing));
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
        rejection(soon(one.send(cancel("ORD-1"))).await),
        Some(Refused::Is("cancelled".into()))
    );
}

/// The sole writer asks nobody but for a key. What it learns then must not stay unheard, or it would ask for ever.
#[tokio::test]
async fn a_sole_writer_that_is_not_alone_still_answers() {
    let store = MemoryStore::new();
    let mut options = Options::default();
    options.sole_writer = true;
    let (sole, _) = start_with(store.clone(), options).await;
    soon(sole.send(create("ORD-1"))).await.unwrap();
    let stranger = start(store).await;
    soon(stranger.forget("ORD-1")).await.unwrap();
    let created = soon(sole.send(create("ORD-1")).idempotency_key("again")).await.unwrap();
    assert_eq!(created.version.get(), 3);
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
async fn a_store_of_five_methods_is_enough_keys_included() {
    let store = PlainStore::default();
    let (one, other) = (start(store.clone()).await, start(store).await);
    let first = soon(one.send(create("ORD-1")).idempotency_key("k")).await.unwrap();
    soon(other.send(add("ORD-1", 1)).idempotency_key("k2")).await.unwrap();
    let again = soon(other.send(create("ORD-1")).idempotency_key("k")).await.unwrap();
    assert_eq!(first.id, again.id);
    soon(one.send(add("ORD-1", 1)).idempotency_key("k2")).await.unwrap();
    assert_eq!(soon(one.get("ORD-1")).await.unwrap().total, 11);
    let missing = rejection(soon(one.send(cancel("ORD-2")).idempotency_key("k3")).await);
    assert_eq!(missing, Some(Refused::Missing));
    assert!(matches!(soon(one.forget("ORD-1")).await, Err(Error::ForgetUnsupported)));
}
