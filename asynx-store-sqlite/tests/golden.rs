//! Files of every released schema can be read: `golden/v1.db` was written by version 1, `golden/v1.txt` says what
//! is in it, and so on.

#![allow(clippy::unwrap_used, reason = "a test that panics has failed")]

mod common;

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use asynx_core::store::{AppendGroup, ForgetPolicy, LogEvent, NewEvent, ParkedEvent, Snapshot};
use asynx_core::{
    Category, EventId, EventName, Metadata, Position, Record, SchemaVersion, Store, StreamId, Timestamp, Version,
};
use asynx_store_sqlite::{SqliteOptions, SqliteStore};
use bytes::Bytes;
use common::mirror::Mirror;
use common::{Folder, append, log, open, shell};
use sqlx::{Connection, Executor, Row};
use uuid::Uuid;

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

fn orders() -> [StreamId; 4] {
    ["ORD-001", "ORD-002", "ORD-003", "ORD '\"🦀"].map(|id| StreamId::parse("order", id).unwrap())
}

const READERS: [&str; 3] = ["invoices", "mails", "removed"];

/// Everything in a store, as text.
async fn listing(store: &SqliteStore) -> String {
    let mut text = String::new();
    for event in log(store, None, 3).await {
        let LogEvent {
            position,
            stream,
            version,
            event_id,
            event_name,
            occurred_at,
            record,
        } = event;
        let record = record.map_or_else(
            || "erased".to_owned(),
            |bytes| String::from_utf8(bytes.to_vec()).unwrap(),
        );
        writeln!(
            text,
            "{position} {stream} {version} {event_id} {event_name} {occurred_at} {record}"
        )
        .unwrap();
    }
    writeln!(text, "end {:?}", store.log().unwrap().end().await.unwrap()).unwrap();
    for stream in orders() {
        let query = asynx_core::store::HeadQuery {
            stream: stream.clone(),
            event_id: None,
        };
        let head = store.heads(&[query]).await.unwrap().remove(0);
        let (version, floor) = (head.version.map(Version::get), head.floor.map(Version::get));
        writeln!(
            text,
            "{stream} head {version:?} floor {floor:?} erasing {}",
            head.erasing
        )
        .unwrap();
        for schema in [1, 2] {
            let schema = SchemaVersion::new(schema).unwrap();
            if let Some(snapshot) = store.snapshots().unwrap().get(&stream, schema).await.unwrap() {
                let document = String::from_utf8(snapshot.document.to_vec()).unwrap();
                writeln!(text, "{stream} snapshot {schema} at {} {document}", snapshot.version).unwrap();
            }
        }
    }
    for reader in READERS {
        let checkpoint = store.checkpoints().unwrap().get(reader).await.unwrap();
        let told = checkpoint.map(|found| (found.position.map(|position| position.to_string()), found.fence));
        writeln!(text, "reader {reader} {told:?}").unwrap();
        for parked in store.parking().unwrap().parked(reader, None, 10).await.unwrap() {
            writeln!(text, "{parked:?}").unwrap();
        }
    }
    let held = store.leases().unwrap().held("", Timestamp::UNIX_EPOCH).await.unwrap();
    writeln!(text, "{held:?}").unwrap();
    text
}

#[tokio::test]
async fn a_file_of_schema_1_is_read() {
    a_file_is_read("v1").await;
}

/// Since then there may be inline projections: one of invoices, in its version 3.
#[tokio::test]
async fn a_file_of_schema_2_is_read() {
    let folder = Folder::new();
    std::fs::copy(golden("v2.db"), folder.file()).unwrap();
    let refused = SqliteStore::open(folder.file()).await.unwrap_err().to_string();
    assert!(refused.contains("invoice go by version 3"), "{refused}");
    a_file_is_read("v2").await;
}

fn with_invoices() -> SqliteOptions {
    let invoice = Category::parse("invoice").unwrap();
    SqliteOptions::new().with_inline(Mirror::of("no_table").with_version(3).with_categories([invoice]))
}

async fn a_file_is_read(name: &str) {
    let folder = Folder::new();
    std::fs::copy(golden(&format!("{name}.db")), folder.file()).unwrap();
    let store = SqliteStore::open_with(folder.file(), with_invoices()).await.unwrap();
    let expected = std::fs::read_to_string(golden(&format!("{name}.txt"))).unwrap();
    assert_eq!(listing(&store).await, expected);
    // And written on.
    let stream = &orders()[0];
    let group = AppendGroup {
        stream: stream.clone(),
        events: vec![event(3, 99, "OrderShipped", "[]")],
    };
    let outcome = append(&store, group).await;
    assert!(outcome.stopped.is_none(), "{outcome:?}");
    assert_eq!(outcome.applied[0], Some(Position::new([0, 0, 12])));
    let again = AppendGroup {
        stream: stream.clone(),
        events: vec![event(4, 1, "OrderCreated", "[]")],
    };
    assert!(
        append(&store, again).await.stopped.is_some(),
        "an id of the file was taken twice"
    );
    let claimed = store.checkpoints().unwrap().claim("removed").await.unwrap();
    assert_eq!(claimed.fence, 3, "a fence came again");
}

/// A released migration never changes: a file that went through it must not differ from a new one.
#[tokio::test]
async fn a_new_file_has_the_schema_of_the_golden_one() {
    let (folder, old) = (Folder::new(), Folder::new());
    open(&folder).await.close().await;
    std::fs::copy(golden("v1.db"), old.file()).unwrap();
    open(&old).await.close().await;
    let mut schemas = Vec::new();
    for folder in [&folder, &old] {
        let mut shell = shell(folder).await;
        let schema = "SELECT sql FROM sqlite_schema WHERE name LIKE 'asynx!_%' ESCAPE '!' ORDER BY name";
        let rows = sqlx::query(schema).fetch_all(&mut shell).await.unwrap();
        schemas.push(rows.iter().map(|row| row.get(0)).collect::<Vec<String>>());
    }
    assert!(schemas[0].len() >= 10);
    assert_eq!(schemas[0], schemas[1]);
}

fn event(version: u64, id: u128, name: &str, patch: &str) -> NewEvent {
    let version = Version::new(version).unwrap();
    let event_id = EventId::from_uuid(Uuid::from_u128(0x0190_0000_0000_7000_8000_0000_0000_0000 + id));
    let event_name = EventName::parse_stored(name).unwrap();
    let occurred_at = Timestamp::from_micros(1_795_251_102_000_000 + id as i64);
    let record = Record::new(
        event_id,
        event_name.clone(),
        version,
        SchemaVersion::FIRST,
        occurred_at,
        Arc::new(Metadata::default()),
        Bytes::copy_from_slice(patch.as_bytes()),
    );
    NewEvent {
        version,
        event_id,
        event_name,
        occurred_at,
        record: record.encode(),
    }
}

/// Run by hand when there is a new schema; files of released ones never change.
#[tokio::test]
#[ignore = "writes golden/v2.db and golden/v2.txt"]
async fn write_golden_files() {
    let folder = Folder::new();
    let store = SqliteStore::open_with(folder.file(), with_invoices()).await.unwrap();
    let created = r#"[{"op":"add","path":"","value":{"status":"Pending","note":"ünïcödé 🦀"}}]"#;
    let confirmed = r#"[{"op":"replace","path":"/status","value":"Confirmed"}]"#;
    let [kept, forgotten, erased, odd] = orders();
    let lives = [
        (
            &kept,
            vec![
                event(1, 1, "OrderCreated", created),
                event(2, 2, "OrderConfirmed", confirmed),
            ],
        ),
        (
            &forgotten,
            vec![
                event(1, 3, "OrderCreated", created),
                event(2, 4, "asynx.forgotten", "[]"),
            ],
        ),
        (&forgotten, vec![event(3, 5, "OrderCreated", created)]),
        (
            &erased,
            vec![
                event(1, 6, "OrderCreated", created),
                event(2, 7, "asynx.forgotten", "[]"),
            ],
        ),
        (
            &odd,
            vec![
                event(1, 8, "order.created.'\"", created),
                event(2, 9, "asynx.forgotten", "[]"),
            ],
        ),
        (
            &erased,
            vec![
                event(3, 10, "OrderCreated", created),
                event(4, 11, "OrderConfirmed", confirmed),
            ],
        ),
    ];
    for (stream, events) in lives {
        let group = AppendGroup {
            stream: stream.clone(),
            events,
        };
        assert!(append(&store, group).await.stopped.is_none());
    }
    let erase = Store::erase(&store).unwrap();
    let through = Version::new(2).unwrap();
    for (stream, policy) in [(&forgotten, ForgetPolicy::KeepRows), (&erased, ForgetPolicy::EraseAll)] {
        erase.erase_through(stream, through, policy).await.unwrap();
    }
    for (schema, version) in [(1, 2), (2, 1)] {
        let snapshot = Snapshot {
            version: Version::new(version).unwrap(),
            schema_version: SchemaVersion::new(schema).unwrap(),
            document: Bytes::from(r#"{"status":"Confirmed","note":"ünïcödé 🦀"}"#),
        };
        store.snapshots().unwrap().put(&kept, snapshot).await.unwrap();
    }
    let checkpoints = store.checkpoints().unwrap();
    for reader in READERS {
        checkpoints.claim(reader).await.unwrap();
    }
    assert!(
        checkpoints
            .put("mails", Some(Position::new([0, 0, 7])), 1)
            .await
            .unwrap()
    );
    let fence = checkpoints.claim("removed").await.unwrap().fence;
    assert!(checkpoints.remove("removed", fence).await.unwrap());
    let aside = event(2, 2, "OrderConfirmed", confirmed);
    let parked = ParkedEvent {
        position: Position::new([0, 0, 2]),
        stream: kept.clone(),
        version: aside.version,
        event_id: aside.event_id,
        event_name: aside.event_name,
        error: "no \"mail\" server".to_owned(),
        attempts: 5,
        parked_at: aside.occurred_at,
    };
    store.parking().unwrap().park("mails", &parked).await.unwrap();
    let (leases, hour) = (store.leases().unwrap(), Duration::from_secs(3600));
    let token = leases
        .acquire("projections/mails", "host-1", hour, Timestamp::UNIX_EPOCH)
        .await;
    assert_eq!(token.unwrap(), Some(1));
    drop(store.sole_writer().unwrap().acquire(&kept.category).await.unwrap());
    std::fs::write(golden("v2.txt"), listing(&store).await).unwrap();
    store.close().await;
    let _ = std::fs::remove_file(golden("v2.db"));
    let mut shell = shell(&folder).await;
    let copy = sqlx::AssertSqlSafe(format!("VACUUM INTO '{}'", golden("v2.db").display()));
    shell.execute(copy).await.unwrap();
    shell.close().await.unwrap();
}
