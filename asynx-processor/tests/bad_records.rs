//! Records, patches, upcasters and snapshots that cannot be read: a clear error each, and nothing lost.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

mod common;

use std::sync::{Arc, Mutex};

use asynx_core::bus::{Hooks, SnapshotTrouble};
use asynx_core::patch::Patch;
use asynx_core::store::{NewEvent, Snapshot, SnapshotStore, StoredEvent};
use asynx_core::{
    Applied, EventId, EventName, Metadata, Record, SchemaVersion, Store, StreamId, Timestamp, Upcast, UpcastError,
    Version,
};
use asynx_processor::{Options, Processor};
use asynx_store_memory::MemoryStore;
use asynx_testkit::layers::FiveMethods;
use bytes::Bytes;
use common::{Recorder, add, cancel, create, failure, parts, soon, start};

fn stream() -> StreamId {
    StreamId::parse("order", "ORD-1").unwrap()
}

/// Puts a record into the store behind asynx's back.
async fn put(store: &MemoryStore, version: u64, bytes: impl Into<Bytes>) {
    let version = Version::new(version).unwrap();
    let event = NewEvent {
        version,
        event_id: EventId::from_key(&stream(), &version.to_string()),
        event_name: EventName::parse("Any").unwrap(),
        occurred_at: Timestamp::UNIX_EPOCH,
        record: bytes.into(),
    };
    store.append(&stream(), event).await.unwrap();
}

fn record(version: u64, schema: u32, patch: &'static str) -> Bytes {
    let record = Record::new(
        EventId::from_key(&stream(), &version.to_string()),
        EventName::parse("Any").unwrap(),
        Version::new(version).unwrap(),
        SchemaVersion::new(schema).unwrap(),
        Timestamp::UNIX_EPOCH,
        Arc::new(Metadata::default()),
        Bytes::from_static(patch.as_bytes()),
    );
    record.encode()
}

const FIRST: &str = r#"[{"op":"add","path":"","value":{"id":"ORD-1","status":"pending","lines":[],"total":1}}]"#;

/// Each way of asking for an aggregate that cannot be read tells the same.
async fn everyone_says(store: MemoryStore, wanted: &str) {
    let orders = start(store.clone()).await;
    let count = store.count(&stream(), Version::FIRST).await.unwrap();
    let from_send = failure(soon(orders.send(add("ORD-1", 1))).await.unwrap_err());
    let from_get = soon(orders.get("ORD-1")).await.unwrap_err();
    let from_history = futures::StreamExt::collect::<Vec<_>>(orders.history("ORD-1")).await;
    let from_history = from_history.into_iter().find_map(Result::err);
    assert_eq!(from_send.to_string(), wanted);
    assert_eq!(from_get.to_string(), wanted);
    if let Some(error) = from_history {
        assert_eq!(error.to_string(), wanted);
    }
    assert_eq!(from_send.applied(), Applied::No);
    assert_eq!(
        store.count(&stream(), Version::FIRST).await.unwrap(),
        count,
        "nothing was written"
    );
    // Others are not affected.
    soon(orders.send(create("ORD-2"))).await.unwrap();
}

#[tokio::test]
async fn a_corrupt_record_is_named() {
    let store = MemoryStore::new();
    put(&store, 1, record(1, 1, FIRST)).await;
    put(&store, 2, Bytes::from_static(b"{\"asynx\":1,\"id\":")).await;
    let wanted = "order/ORD-1: version 2 cannot be read: the bytes are no record: \
                  EOF while parsing a value at line 1 column 16; restore the event from a backup; nothing was written";
    everyone_says(store, wanted).await;
}

#[tokio::test]
async fn a_record_of_a_newer_format_is_named() {
    let store = MemoryStore::new();
    put(&store, 1, Bytes::from_static(b"{\"asynx\":2,\"something\":\"else\"}")).await;
    let wanted = "order/ORD-1: version 1 cannot be read: the record has format 2, this program reads up to 1; \
                  update the program; nothing was written";
    everyone_says(store, wanted).await;
}

#[tokio::test]
async fn a_record_at_the_wrong_place_is_named() {
    let store = MemoryStore::new();
    put(&store, 1, record(2, 1, FIRST)).await;
    let wanted = "order/ORD-1: version 1 cannot be read: the bytes are no record: it says that it is version 2; \
                  restore the event from a backup; nothing was written";
    everyone_says(store, wanted).await;
}

#[tokio::test]
async fn a_newer_schema_is_named() {
    let store = MemoryStore::new();
    put(&store, 1, record(1, 1, FIRST)).await;
    put(&store, 2, record(2, 3, "[]")).await;
    let wanted = "order/ORD-1: version 2 has schema 3, this program knows up to 1; nothing was written, \
                  update the program, or give this handle or projection its upcasters";
    everyone_says(store, wanted).await;
}

#[tokio::test]
async fn a_patch_that_does_not_fit_is_named() {
    let store = MemoryStore::new();
    put(&store, 1, record(1, 1, FIRST)).await;
    put(&store, 2, record(2, 1, r#"[{"op":"remove","path":"/gift"}]"#)).await;
    let orders = start(store).await;
    let error = soon(orders.get("ORD-1")).await.unwrap_err().to_string();
    assert!(
        error.starts_with("order/ORD-1: the state at version 2 cannot be built: "),
        "{error}"
    );
    assert!(error.contains("/gift"), "{error}");
}

#[tokio::test]
async fn a_state_of_another_type_is_named() {
    let store = MemoryStore::new();
    put(&store, 1, record(1, 1, r#"[{"op":"add","path":"","value":{"id":7}}]"#)).await;
    let orders = start(store).await;
    let error = soon(orders.get("ORD-1")).await.unwrap_err().to_string();
    assert!(
        error.starts_with("order/ORD-1: the state at version 1 cannot be built: invalid type: integer"),
        "{error}"
    );
}

#[tokio::test]
async fn gaps_and_disorder_are_named() {
    type Spoil = fn(&mut Vec<StoredEvent>);

    let store = MemoryStore::new();
    let orders = start(store.clone()).await;
    soon(orders.send(create("ORD-1"))).await.unwrap();
    for _ in 0..3 {
        soon(orders.send(add("ORD-1", 1))).await.unwrap();
    }
    let cases: [(Spoil, u64, u64); 4] = [
        (|events| drop(events.remove(1)), 2, 3),
        (|events| events.swap(1, 2), 2, 3),
        (|events| drop(events.pop()), 4, 4),
        (|events| events.clear(), 1, 4),
    ];
    for (spoil, due, came) in cases {
        let orders = start(FiveMethods::of(store.clone()).spoiling(spoil)).await;
        let error = failure(soon(orders.send(add("ORD-1", 1))).await.unwrap_err());
        let wanted = format!(
            "order/ORD-1: the store gave version {came} where version {due} was due; nothing was written, restore the stream from a backup"
        );
        assert_eq!(error.to_string(), wanted);
    }
}

struct Failing(&'static str);

impl Upcast for Failing {
    fn current(&self) -> SchemaVersion {
        SchemaVersion::new(2).unwrap()
    }

    fn upcast(&self, _: &EventName, from: SchemaVersion, patch: Patch) -> Result<Patch, UpcastError> {
        match self.0 {
            "panic" => panic!("cannot"),
            "fail" => Err(UpcastError {
                from,
                reason: "it is older than that".to_owned(),
            }),
            _ => Ok(patch),
        }
    }
}

#[tokio::test]
async fn a_failing_upcaster_is_named() {
    let store = MemoryStore::new();
    put(&store, 1, record(1, 1, FIRST)).await;
    let bus = Arc::new(Recorder::default());
    for (how, wanted) in [
        (
            "panic",
            "order/ORD-1: an upcaster panicked: cannot; nothing was written",
        ),
        (
            "fail",
            "order/ORD-1: version 1: the upcaster from schema 1 failed: it is older than that; nothing was written, mend the upcaster",
        ),
    ] {
        let mut parts = parts(store.clone(), Arc::clone(&bus), Options::default());
        parts.upcast = Arc::new(Failing(how));
        let orders = Processor::start(parts).await.unwrap();
        assert_eq!(soon(orders.get("ORD-1")).await.unwrap_err().to_string(), wanted);
        let error = failure(soon(orders.send(cancel("ORD-1"))).await.unwrap_err());
        assert_eq!(error.to_string(), wanted);
    }
}

#[tokio::test]
async fn a_corrupt_snapshot_is_told_replayed_over_and_mended() {
    for spoilt in ["{", r#"{"id":7}"#] {
        let store = MemoryStore::new();
        let orders = start(store.clone()).await;
        soon(orders.send(create("ORD-1"))).await.unwrap();
        soon(orders.send(add("ORD-1", 1))).await.unwrap();
        let snapshot = Snapshot {
            version: Version::new(2).unwrap(),
            schema_version: SchemaVersion::FIRST,
            document: Bytes::from_static(spoilt.as_bytes()),
        };
        let snapshots = store.snapshots().unwrap();
        SnapshotStore::put(snapshots, &stream(), snapshot).await.unwrap();
        let told = Arc::new(Mutex::new(Vec::new()));
        let hook = Arc::clone(&told);
        let mut parts = parts(store.clone(), Arc::new(Recorder::default()), Options::default());
        parts.hooks = Hooks::default().on_snapshot_trouble(move |stream, trouble| {
            assert!(matches!(trouble, SnapshotTrouble::Corrupt { .. }));
            hook.lock().unwrap().push(format!("{stream}: {trouble}"));
            panic!("a hook that panics is ignored");
        });
        let cold = Processor::start(parts).await.unwrap();
        assert_eq!(soon(cold.get("ORD-1")).await.unwrap().total, 11);
        assert_eq!(told.lock().unwrap().len(), 1);
        assert!(told.lock().unwrap()[0].starts_with("order/ORD-1: the snapshot at version 2 is corrupt: "));
        soon(cold.shutdown(std::time::Duration::from_secs(5))).await.unwrap();
        let mended = SnapshotStore::get(snapshots, &stream(), SchemaVersion::FIRST)
            .await
            .unwrap()
            .unwrap();
        assert!(mended.document.starts_with(b"{\"id\":\"ORD-1\""));
    }
}

#[tokio::test]
async fn a_snapshot_beyond_the_stream_is_ignored() {
    let store = MemoryStore::new();
    let orders = start(store.clone()).await;
    soon(orders.send(create("ORD-1"))).await.unwrap();
    let snapshot = Snapshot {
        version: Version::new(9).unwrap(),
        schema_version: SchemaVersion::FIRST,
        document: Bytes::from_static(br#"{"id":"ORD-1","status":"future","lines":[],"total":1}"#),
    };
    SnapshotStore::put(store.snapshots().unwrap(), &stream(), snapshot)
        .await
        .unwrap();
    let cold = start(store).await;
    assert_eq!(soon(cold.get("ORD-1")).await.unwrap().status, "pending");
}
