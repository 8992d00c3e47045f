//! Databases of every released version of the tables are opened, and all that is in them is found.
//!
//! `tests/golden/README.md` tells how they were made.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

mod server;

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use asynx_core::store::{
    AppendGroup, Checkpoint, ForgetPolicy, HeadQuery, InlineBatch, InlineProjection, Load, LogFilter, NewEvent,
    Snapshot,
};
use asynx_core::{
    Category, EventId, EventName, Position, SchemaVersion, Store, StoreError, StreamId, TOMBSTONE, Timestamp, Version,
};
use asynx_store_postgres::{PostgresOptions, PostgresStore};
use asynx_testkit::samples;
use bytes::Bytes;
use server::{Cluster, Made, log_of, order, program, run_program};
use sqlx::types::Uuid;
use sqlx::{Postgres, Transaction};

/// The newest version of the tables.
const NEWEST: u32 = 2;

fn file(version: u32) -> PathBuf {
    [
        env!("CARGO_MANIFEST_DIR"),
        "tests",
        "golden",
        &format!("v{version}.sql"),
    ]
    .iter()
    .collect()
}

fn version(number: u64) -> Version {
    Version::new(number).unwrap()
}

/// An event all of which follows from three numbers and a name.
fn event(stream: u8, number: u64, name: &str) -> NewEvent {
    let id = Uuid::from_u128(0x0192_f0c1_2d3e_7abc_8def_0000_0000_0000 | u128::from(stream) << 16 | u128::from(number));
    let record = match number {
        // Any bytes are kept, though asynx only ever gives JSON.
        2 => (0..=255).collect(),
        _ => format!(r#"{{"stream":{stream},"number":{number},"text":"ü 🦀 \u0000 '\\\""}}"#).into_bytes(),
    };
    NewEvent {
        version: version(number),
        event_id: EventId::from_uuid(id),
        event_name: EventName::parse_stored(name).unwrap(),
        occurred_at: Timestamp::from_micros(1_790_000_000_000_000 + i64::from(stream) * 1_000_000 + number as i64),
        record: Bytes::from(record),
    }
}

fn plain() -> StreamId {
    order("plain \"quoted\" ü")
}

fn snapshot() -> Snapshot {
    Snapshot {
        version: version(2),
        schema_version: SchemaVersion::new(3).unwrap(),
        document: Bytes::from_static(br#"{"folded":true}"#),
    }
}

async fn append(store: &PostgresStore, stream: &StreamId, events: Vec<NewEvent>) {
    let stream = stream.clone();
    let outcome = store.append_batch(&[AppendGroup { stream, events }]).await.remove(0);
    assert!(outcome.stopped.is_none(), "{outcome:?}");
}

/// A little of everything.
async fn fill(store: &PostgresStore) {
    append(store, &plain(), vec![event(1, 1, "OrderPlaced")]).await;
    append(
        store,
        &plain(),
        (2..=4).map(|number| event(1, number, "OrderGrown")).collect(),
    )
    .await;
    store.snapshots().unwrap().put(&plain(), snapshot()).await.unwrap();
    let erase = store.erase().unwrap();
    for (stream, id, policy) in [
        (2, "kept", Some(ForgetPolicy::KeepRows)),
        (3, "gone", Some(ForgetPolicy::EraseAll)),
        (4, "pending", None),
    ] {
        append(
            store,
            &order(id),
            vec![event(stream, 1, "OrderPlaced"), event(stream, 2, TOMBSTONE)],
        )
        .await;
        if let Some(policy) = policy {
            erase.erase_through(&order(id), version(2), policy).await.unwrap();
            append(store, &order(id), vec![event(stream, 3, "OrderPlaced")]).await;
        }
    }
    let checkpoints = store.checkpoints().unwrap();
    checkpoints.claim("reader").await.unwrap();
    let fence = checkpoints.claim("reader").await.unwrap().fence;
    assert!(
        checkpoints
            .put("reader", Some(Position::new([0, 7, 1])), fence)
            .await
            .unwrap()
    );
    let fence = checkpoints.claim("removed").await.unwrap().fence;
    assert!(checkpoints.remove("removed", fence).await.unwrap());
}

/// An inline projection, for its name and what it wants.
struct Totals(Vec<Category>);

#[async_trait::async_trait]
impl InlineProjection<Transaction<'static, Postgres>> for Totals {
    fn name(&self) -> &str {
        "totals"
    }

    fn version(&self) -> u32 {
        3
    }

    fn categories(&self) -> &[Category] {
        &self.0
    }

    fn timeout(&self) -> Duration {
        Duration::from_secs(1)
    }

    async fn apply(&self, _: &mut Transaction<'static, Postgres>, _: &InlineBatch<'_>) -> Result<(), StoreError> {
        Ok(())
    }
}

fn with_totals() -> PostgresOptions {
    let wanted = ["account", "invoice"].map(|category| Category::parse(category).unwrap());
    PostgresOptions::new().with_inline(Totals(wanted.to_vec()))
}

/// Makes the file of the newest version, where somebody asks for it.
async fn write() {
    let cluster = Cluster::start();
    let store = PostgresStore::connect_with(&cluster.url(), with_totals())
        .await
        .unwrap();
    fill(&store).await;
    store.close().await;
    let mut dump = program("pg_dump");
    dump.args(cluster.arguments())
        .args(["--schema=asynx", "--no-owner", "postgres"]);
    // An older psql does not know these.
    let is_known = |line: &&str| !line.starts_with("\\restrict ") && !line.starts_with("\\unrestrict ");
    let dump: String = run_program(&mut dump)
        .lines()
        .filter(is_known)
        .map(|line| format!("{line}\n"))
        .collect();
    fs::write(file(NEWEST), dump).unwrap();
}

#[tokio::test]
async fn databases_of_every_version_are_read() {
    if std::env::var_os("ASYNX_WRITE_GOLDEN").is_some() {
        write().await;
    }
    for version in 1..=NEWEST {
        let database = Made::database("template template0 encoding 'UTF8'").await;
        let mut restore = program("psql");
        let dump = fs::File::open(file(version)).unwrap();
        let restored = run_program(
            restore
                .args(["--no-psqlrc", "-q", "-v", "ON_ERROR_STOP=1", "-d", &database.url()])
                .stdin(dump),
        );
        assert!(!restored.contains("ERROR"), "{restored}");
        // As after any restore: the server may not have come to these transactions yet.
        PostgresStore::rebase(&database.url(), &PostgresOptions::new())
            .await
            .unwrap();
        // Since version 2 there is an inline projection.
        let options = match version {
            1 => PostgresOptions::new(),
            _ => {
                let plain = PostgresStore::connect(&database.url()).await.unwrap_err();
                assert!(
                    plain.to_string().contains("account, invoice go by version 3"),
                    "{plain}"
                );
                with_totals()
            }
        };
        let store = PostgresStore::connect_with(&database.url(), options).await.unwrap();
        assert_eq!(store.check_schema().await.unwrap(), [""; 0]);
        is_whole(&store).await;
        goes_on(&store).await;
    }
}

async fn is_whole(store: &PostgresStore) {
    // The log, with what was forgotten.
    let all = log_of(store, LogFilter::default(), 10).await;
    let given: Vec<_> = all
        .iter()
        .map(|one| {
            let (stream, record) = (one.stream.clone(), one.record.clone());
            (
                stream,
                one.version.get(),
                one.event_id,
                one.event_name.as_str(),
                one.occurred_at,
                record,
            )
        })
        .collect();
    let expected = |id: &str, stream, number, name: &'static str, erased: bool| {
        let one = event(stream, number, name);
        let stream = if id == "plain" { plain() } else { order(id) };
        (
            stream,
            number,
            one.event_id,
            name,
            one.occurred_at,
            (!erased).then_some(one.record),
        )
    };
    assert_eq!(
        given,
        [
            expected("plain", 1, 1, "OrderPlaced", false),
            expected("plain", 1, 2, "OrderGrown", false),
            expected("plain", 1, 3, "OrderGrown", false),
            expected("plain", 1, 4, "OrderGrown", false),
            expected("kept", 2, 1, "OrderPlaced", true),
            expected("kept", 2, 2, TOMBSTONE, true),
            expected("kept", 2, 3, "OrderPlaced", false),
            expected("gone", 3, 2, TOMBSTONE, true),
            expected("gone", 3, 3, "OrderPlaced", false),
            expected("pending", 4, 1, "OrderPlaced", false),
            expected("pending", 4, 2, TOMBSTONE, false),
        ]
    );
    assert!(all.is_sorted_by_key(|one| one.position) && all.iter().all(|one| one.position.parts()[0] == 0));

    // Streams and their snapshot.
    let read = store.read_from(&plain(), Version::FIRST).await.unwrap();
    let records: Vec<&Bytes> = read.iter().map(|one| &one.record).collect();
    let written: Vec<Bytes> = (1..=4).map(|number| event(1, number, "OrderGrown").record).collect();
    assert_eq!(records, written.iter().collect::<Vec<_>>());
    let load = Load {
        stream: plain(),
        from: None,
        snapshot: SchemaVersion::new(3),
        limit: 100,
    };
    let loaded = store.load(&[load]).await.unwrap().remove(0);
    assert_eq!((loaded.snapshot, loaded.events.len()), (Some(snapshot()), 2));

    // Heads, floors, what is to be erased, ids.
    for (id, stream, head, erasing, found) in [
        ("kept", 2, 3, false, true),
        ("gone", 3, 3, false, false),
        ("pending", 4, 2, true, true),
    ] {
        let query = HeadQuery {
            stream: order(id),
            event_id: Some(event(stream, 1, "OrderPlaced").event_id),
        };
        let one = store.heads(&[query]).await.unwrap().remove(0);
        assert_eq!(
            (one.version, one.floor),
            (Some(version(head)), Some(version(2))),
            "{id}"
        );
        assert_eq!((one.erasing, one.found.is_some()), (erasing, found), "{id}");
    }
    let pending = store
        .erase()
        .unwrap()
        .pending(&Category::parse("order").unwrap())
        .await
        .unwrap();
    assert_eq!((pending.len(), &pending[0].stream), (1, &order("pending")));

    // Readers.
    let checkpoints = store.checkpoints().unwrap();
    let reader = Checkpoint {
        position: Some(Position::new([0, 7, 1])),
        fence: 2,
    };
    assert_eq!(checkpoints.get("reader").await.unwrap(), Some(reader));
    assert_eq!(checkpoints.get("removed").await.unwrap(), None);
    assert_eq!(checkpoints.claim("removed").await.unwrap().fence, 2);
}

async fn goes_on(store: &PostgresStore) {
    append(store, &plain(), vec![samples::event(5)]).await;
    append(store, &order("gone"), vec![samples::event(4), samples::event(5)]).await;
    let erase = store.erase().unwrap();
    erase
        .erase_through(&order("pending"), version(2), ForgetPolicy::KeepRows)
        .await
        .unwrap();
    let streams: Vec<_> = log_of(store, LogFilter::default(), 14).await;
    let streams: Vec<_> = streams.into_iter().skip(11).map(|one| one.stream).collect();
    assert_eq!(streams, [plain(), order("gone"), order("gone")]);
}
