//! Formats that must never change under their number.
#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::sync::Arc;

use asynx_core::{
    EventId, EventName, Metadata, Position, Record, RecordError, SchemaVersion, StreamId, Timestamp, TraceContext,
    Version,
};
use bytes::Bytes;

const PLAIN: &str = concat!(
    r#"{"asynx":1,"id":"00000000-0000-7000-8000-000000000001","name":"OrderConfirmed","version":2,"schema":1,"#,
    r#""at":1795251102000001,"patch":[{"op":"replace","path":"/status","value":"Confirmed"}]}"#
);
const FULL: &str = concat!(
    r#"{"asynx":1,"id":"00000000-0000-7000-8000-000000000001","name":"naïve \"name\"","version":9223372036854775807,"#,
    r#""schema":3,"at":0,"meta":{"correlation":"c","causation":"e","user":"ada","tenant":"acme","#,
    r#""traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","extra":{"a":"1","b":"2"}},"patch":[]}"#
);
const TRACED: &str = concat!(
    r#"{"asynx":1,"id":"00000000-0000-7000-8000-000000000001","name":"A","version":1,"schema":1,"at":0,"#,
    r#""meta":{"traceparent":"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01","tracestate":"a=1,b=2"},"patch":[]}"#
);

fn record(name: &str, version: u64, schema: u32, at: i64, metadata: Metadata, patch: &'static str) -> Record {
    Record::new(
        EventId::from_uuid(uuid::Uuid::from_u128(0x0000_0000_0000_7000_8000_0000_0000_0001)),
        EventName::parse(name).unwrap(),
        Version::new(version).unwrap(),
        SchemaVersion::new(schema).unwrap(),
        Timestamp::from_micros(at),
        Arc::new(metadata),
        Bytes::from_static(patch.as_bytes()),
    )
}

#[test]
fn records_of_format_1_are_read_and_written_as_ever() {
    let mut metadata = Metadata::default();
    metadata.correlation_id = Some("c".into());
    metadata.causation_id = Some("e".into());
    metadata.user = Some("ada".into());
    metadata.tenant = Some("acme".into());
    metadata.traceparent = Some("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01".into());
    metadata.extra.insert("a".into(), "1".into());
    metadata.extra.insert("b".into(), "2".into());
    let patch = r#"[{"op":"replace","path":"/status","value":"Confirmed"}]"#;
    let plain = record(
        "OrderConfirmed",
        2,
        1,
        1_795_251_102_000_001,
        Metadata::default(),
        patch,
    );
    let full = record("naïve \"name\"", i64::MAX as u64, 3, 0, metadata, "[]");
    let mut metadata = Metadata::default();
    let context = TraceContext::new("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
    metadata.trace(context.with_tracestate("a=1,b=2"));
    let traced = record("A", 1, 1, 0, metadata, "[]");
    for (record, text) in [(plain, PLAIN), (full, FULL), (traced, TRACED)] {
        assert_eq!(std::str::from_utf8(&record.encode()).unwrap(), text);
        assert_eq!(Record::decode(&Bytes::from_static(text.as_bytes())).unwrap(), record);
    }
}

#[test]
fn a_record_with_more_members_or_other_order_is_read() {
    let text = r#"{"more":[1],"patch":[ ],"at":5,"schema":1,"version":2,"name":"A","id":"00000000-0000-7000-8000-000000000001","asynx":1}"#;
    let read = Record::decode(&Bytes::from_static(text.as_bytes())).unwrap();
    assert_eq!((read.version.get(), &read.patch[..]), (2, &b"[ ]"[..]));
}

#[test]
fn what_is_no_record_is_told() {
    let decode = |text: String| Record::decode(&Bytes::from(text)).unwrap_err();
    let newer = decode(PLAIN.replace("\"asynx\":1", "\"asynx\":2"));
    assert_eq!(newer, RecordError::NewerFormat { found: 2 });
    for (from, to) in [
        ("\"asynx\":1", "\"asynx\":0"),
        ("\"asynx\":1,", ""),
        ("OrderConfirmed", ""),
        ("\"version\":2", "\"version\":0"),
        ("\"schema\":1", "\"schema\":0"),
        ("\"patch\"", "\"match\""),
        ("}]}", "}]"),
    ] {
        let error = decode(PLAIN.replace(from, to));
        assert!(
            matches!(error, RecordError::Malformed { .. }),
            "{from} -> {to}: {error}"
        );
    }
    assert!(matches!(decode(String::new()), RecordError::Malformed { .. }));
    assert!(matches!(decode("\u{0}\u{1}".to_owned()), RecordError::Malformed { .. }));
}

#[test]
fn keys_stand_for_the_ids_that_they_always_stood_for() {
    let stream = StreamId::parse("order", "ORD-1").unwrap();
    assert_eq!(EventId::from_key(&stream, "req-42").to_string(), KEYED);
    // Length-prefixed: what belongs to the id cannot pass for the key.
    let other = StreamId::parse("order", "ORD-1req-4").unwrap();
    assert_ne!(EventId::from_key(&stream, "req-42"), EventId::from_key(&other, "2"));
}

const KEYED: &str = "5dc3b2b3-13cc-5b11-9ae9-809a05e4a64e";

#[test]
fn positions_are_written_as_ever() {
    let position = Position::new([1, 20, u64::MAX]);
    assert_eq!(position.to_string(), "1-20-18446744073709551615");
    assert_eq!(position.to_string().parse(), Ok(position));
    for text in ["", "1-2", "1-2-3-4", "a-b-c", "1--2", "-1-2-3"] {
        assert!(text.parse::<Position>().is_err(), "{text:?}");
    }
    assert!(Position::new([1, 0, 9]) < Position::new([1, 1, 0]));
}

#[test]
fn times_are_written_as_ever() {
    assert_eq!(
        Timestamp::from_micros(1_795_251_102_000_001).to_string(),
        "2026-11-21T08:51:42.000001Z"
    );
    assert_eq!(Timestamp::from_micros(-5), Timestamp::UNIX_EPOCH);
    let latest = Timestamp::from_micros(i64::MAX);
    assert_eq!(latest.to_string(), "9999-12-31T23:59:59.999999Z");
    assert_eq!(Timestamp::from(std::time::SystemTime::from(latest)), latest);
}
