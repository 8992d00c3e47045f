//! What one process does with one command after the other.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use asynx_core::{Applied, Error, Expected, SendError, Version};
use asynx_processor::Options;
use asynx_store_memory::MemoryStore;
use common::{Refused, add, cancel, create, failure, one_shard, soon, start, start_with};

fn version(n: u64) -> Version {
    Version::new(n).unwrap()
}

#[tokio::test]
async fn a_command_becomes_an_event_with_the_states_around_it() {
    let (orders, bus) = start_with(MemoryStore::new(), Options::default()).await;
    let created = soon(orders.send(create("ORD-1"))).await.unwrap();
    assert_eq!(created.version, Version::FIRST);
    assert!(created.previous.is_none());
    assert!(created.position.is_some());
    assert!(
        created
            .patch_json()
            .starts_with(r#"[{"op":"add","path":"","value":{"id":"ORD-1""#)
    );

    let grown = soon(orders.send(add("ORD-1", 5))).await.unwrap();
    assert_eq!(grown.previous.as_ref().unwrap().total, 10);
    assert_eq!(grown.aggregate.total, 15);
    assert_eq!(grown.patch_json(), r#"[{"op":"replace","path":"/total","value":15}]"#);
    assert!(grown.position > created.position);
    assert_eq!(soon(orders.get("ORD-1")).await.unwrap().total, 15);
    assert_eq!(bus.names(), [("OrderCreated".into(), 1), ("OrderGrown".into(), 2)]);
}

#[tokio::test]
async fn a_rejection_stays_typed_and_writes_nothing() {
    let (orders, bus) = start_with(MemoryStore::new(), Options::default()).await;
    let rejected = soon(orders.send(cancel("ORD-1"))).await.unwrap_err();
    assert_eq!(rejected.rejection(), Some(&Refused::Missing));
    assert_eq!(rejected.applied(), Applied::No);
    assert_eq!(rejected.to_string(), "there is no such order");
    assert!(!soon(orders.exists("ORD-1")).await.unwrap());
    assert!(matches!(soon(orders.get("ORD-1")).await, Err(Error::NotFound { .. })));
    assert!(matches!(
        soon(orders.preload("ORD-1")).await,
        Err(Error::NotFound { .. })
    ));
    assert!(bus.names().is_empty());
}

#[tokio::test]
async fn a_command_that_changes_nothing_still_is_an_event() {
    let orders = start(MemoryStore::new()).await;
    soon(orders.send(create("ORD-1"))).await.unwrap();
    let same = soon(orders.send(add("ORD-1", 0))).await.unwrap();
    assert_eq!((same.version, same.patch_json()), (version(2), "[]"));
}

#[tokio::test]
async fn expectations_are_checked_against_the_living_aggregate() {
    let orders = start(MemoryStore::new()).await;
    let expecting = |expected| orders.send(add("ORD-1", 1)).expecting(expected);
    for expected in [Expected::Exists, Expected::Exactly(Version::FIRST)] {
        let error = failure(soon(expecting(expected)).await.unwrap_err());
        assert!(matches!(error, Error::Unexpected { actual: None, .. }), "{error}");
    }
    soon(orders.send(create("ORD-1")).expecting(Expected::NoStream))
        .await
        .unwrap();
    let error = failure(soon(expecting(Expected::NoStream)).await.unwrap_err());
    assert_eq!(
        error.to_string(),
        "order/ORD-1: no aggregate was expected, found version 1; nothing was written, look at it again"
    );
    soon(expecting(Expected::Exists)).await.unwrap();
    soon(expecting(Expected::Exactly(version(2)))).await.unwrap();
    let error = failure(soon(expecting(Expected::Exactly(version(2)))).await.unwrap_err());
    assert!(matches!(error, Error::Unexpected { actual, .. } if actual == Some(version(3))));
}

#[tokio::test]
async fn a_key_is_carried_out_once() {
    let (orders, bus) = start_with(MemoryStore::new(), Options::default()).await;
    let first = soon(orders.send(create("ORD-1")).idempotency_key("req-1"))
        .await
        .unwrap();
    soon(orders.send(add("ORD-1", 7))).await.unwrap();
    // A retried create would be rejected, an expectation would fail: the key comes first.
    let again = soon(
        orders
            .send(create("ORD-1"))
            .idempotency_key("req-1")
            .expecting(Expected::NoStream),
    );
    let again = again.await.unwrap();
    assert_eq!(
        (again.id, again.version, again.aggregate.total),
        (first.id, first.version, 10)
    );
    assert!(again.previous.is_none());
    // A command that would be accepted is not carried out twice either.
    let grown = soon(orders.send(add("ORD-1", 1)).idempotency_key("req-2"))
        .await
        .unwrap();
    let again = soon(orders.send(add("ORD-1", 1)).idempotency_key("req-2"))
        .await
        .unwrap();
    assert_eq!((again.id, again.aggregate.total), (grown.id, 18));
    // Together in one batch.
    let both = futures::future::join(
        orders.send(add("ORD-1", 100)).idempotency_key("req-3"),
        orders.send(add("ORD-1", 100)).idempotency_key("req-3"),
    );
    let (one, other) = soon(both).await;
    assert_eq!(one.unwrap().id, other.unwrap().id);
    assert_eq!(soon(orders.get("ORD-1")).await.unwrap().total, 118);
    assert_eq!(bus.names().len(), 4);

    let reused = failure(
        soon(orders.send(cancel("ORD-1")).idempotency_key("req-2"))
            .await
            .unwrap_err(),
    );
    assert!(
        matches!(reused, Error::KeyReused { ref event_name, .. } if event_name == "OrderGrown"),
        "{reused}"
    );
    // Keys are scoped to their aggregate.
    soon(orders.send(create("ORD-2")).idempotency_key("req-1"))
        .await
        .unwrap();
    for key in [String::new(), "k".repeat(256)] {
        let refused = failure(
            soon(orders.send(add("ORD-1", 1)).idempotency_key(key))
                .await
                .unwrap_err(),
        );
        assert!(matches!(refused, Error::InvalidKey { .. }));
    }
}

#[tokio::test]
async fn history_is_read_back_version_by_version() {
    let mut options = Options::default();
    options.page = std::num::NonZeroUsize::new(3).unwrap();
    let store = MemoryStore::new();
    let (orders, _) = start_with(store.clone(), options.clone()).await;
    soon(orders.send(create("ORD-1"))).await.unwrap();
    for amount in 1..=9 {
        soon(orders.send(add("ORD-1", amount))).await.unwrap();
    }
    let mut totals = Vec::new();
    let mut history = orders.history("ORD-1");
    while let Some(event) = futures::StreamExt::next(&mut history).await {
        let event = event.unwrap();
        totals.push((
            event.version.get(),
            event.previous.as_ref().map(|order| order.total),
            event.aggregate.total,
        ));
    }
    assert_eq!(totals[0], (1, None, 10));
    assert_eq!(totals[1], (2, Some(10), 11));
    assert_eq!(totals[9], (10, Some(46), 55));
    assert_eq!(orders.get_at("ORD-1", version(4)).await.unwrap().total, 16);
    let beyond = orders.get_at("ORD-1", version(11)).await;
    assert!(matches!(beyond, Err(Error::VersionNotFound { .. })));
    let missing = orders.get_at("ORD-9", version(1)).await;
    assert!(matches!(missing, Err(Error::NotFound { .. })));

    let seen = std::sync::Mutex::new(Vec::new());
    let record = |event: asynx_core::Event<common::Order>| {
        seen.lock().unwrap().push(event.version.get());
        async {}
    };
    orders.replay("ORD-1", 4..=6, record).await.unwrap();
    orders.replay("ORD-1", 9.., record).await.unwrap();
    orders.replay("ORD-1", ..2, record).await.unwrap();
    assert_eq!(*seen.lock().unwrap(), [4, 5, 6, 9, 10, 1]);
    assert!(matches!(
        orders.replay("ORD-9", .., record).await,
        Err(Error::NotFound { .. })
    ));
    let ended = orders.replay("ORD-1", .., |_| async { Err::<(), _>("enough") }).await;
    assert_eq!(
        ended.unwrap_err().to_string(),
        "order/ORD-1: the replay was ended at version 1: enough"
    );
    let panicked = orders.replay("ORD-1", .., |_| async { assert!(seen.is_poisoned(), "oh") });
    let panicked = panicked.await.unwrap_err();
    assert!(matches!(panicked, Error::Panicked { .. }));

    // A second process, with a cold cache, comes to the same.
    let (other, _) = start_with(store, options).await;
    assert_eq!(other.get("ORD-1").await.unwrap().total, 55);
}

#[tokio::test]
async fn names_are_checked_and_nothing_is_written() {
    let orders = start(MemoryStore::new()).await;
    let with_id = |id: &str| orders.send(create(id));
    for id in ["", &"x".repeat(256), "a\0b"] {
        let error = failure(soon(with_id(id)).await.unwrap_err());
        assert!(matches!(error, Error::InvalidName(_)), "{error}");
        assert!(matches!(orders.get(id).await, Err(Error::InvalidName(_))));
        assert!(matches!(orders.exists(id).await, Err(Error::InvalidName(_))));
        assert!(matches!(orders.forget(id).await, Err(Error::InvalidName(_))));
    }
    soon(with_id(&"x".repeat(255))).await.unwrap();
    for name in ["", "asynx.mine", "a\0b"] {
        let mut command = create("ORD-1");
        command.name = name;
        let error = soon(orders.send(command)).await.unwrap_err();
        assert!(matches!(error, SendError::Failed(Error::InvalidName(_))), "{error}");
    }
    assert!(!orders.exists("ORD-1").await.unwrap());
}

#[tokio::test]
async fn metadata_travels_with_the_event_and_into_the_store() {
    let store = MemoryStore::new();
    let orders = start(store.clone()).await;
    let event = soon(
        orders
            .send(create("ORD-1"))
            .correlation("c-1")
            .user("ada")
            .tenant("acme")
            .traceparent("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01")
            .metadata("channel", "web"),
    );
    let event = event.await.unwrap();
    let effect = soon(orders.send(add("ORD-1", 1)).caused_by(&event)).await.unwrap();
    assert_eq!(effect.metadata.correlation_id.as_deref(), Some("c-1"));
    assert_eq!(effect.metadata.causation_id, Some(event.id.to_string()));
    let other = start(store).await;
    let read: Vec<_> = futures::StreamExt::collect(other.history("ORD-1")).await;
    let read: Vec<_> = read.into_iter().map(Result::unwrap).collect();
    assert_eq!(read[0].metadata, event.metadata);
    assert_eq!(read[0].metadata.extra["channel"], "web");
    assert_eq!((read[1].id, read[1].occurred_at), (effect.id, effect.occurred_at));
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
