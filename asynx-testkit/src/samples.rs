//! Events to append, with valid records.

use std::sync::Arc;

use asynx_core::store::{AppendGroup, NewEvent};
use asynx_core::{EventId, EventName, Metadata, Record, Runtime, SchemaVersion, StreamId, Version};
use bytes::Bytes;

use crate::ThreadRuntime;

/// An event with a new id.
///
/// # Panics
/// On version 0.
#[must_use]
pub fn event(version: u64) -> NewEvent {
    named(version, "SampleHappened")
}

/// An event of a name.
///
/// # Panics
/// On version 0, and on what is no [`EventName`].
#[must_use]
pub fn named(version: u64, name: &str) -> NewEvent {
    let name = EventName::parse_stored(name).expect("a sample has a valid name");
    made_of(version, EventId::generate(&ThreadRuntime), name, "")
}

/// The event that ends a life.
///
/// # Panics
/// On version 0.
#[must_use]
pub fn tombstone(version: u64) -> NewEvent {
    made_of(version, EventId::generate(&ThreadRuntime), EventName::tombstone(), "")
}

/// An event with a given id.
///
/// # Panics
/// On version 0.
#[must_use]
pub fn with_id(version: u64, event_id: EventId) -> NewEvent {
    let name = EventName::parse_stored("SampleHappened").expect("a valid name");
    made_of(version, event_id, name, "")
}

/// An event whose record carries a text.
///
/// # Panics
/// On version 0.
#[must_use]
pub fn carrying(version: u64, text: &str) -> NewEvent {
    let name = EventName::parse_stored("SampleHappened").expect("a valid name");
    made_of(version, EventId::generate(&ThreadRuntime), name, text)
}

/// `count` events that follow each other.
///
/// # Panics
/// On version 0.
#[must_use]
pub fn group(stream: &StreamId, from: u64, count: u64) -> AppendGroup {
    AppendGroup {
        stream: stream.clone(),
        events: (from..from + count).map(event).collect(),
    }
}

/// An event from its parts; `text` is carried in its patch.
///
/// # Panics
/// On version 0.
#[must_use]
pub fn made_of(version: u64, event_id: EventId, event_name: EventName, text: &str) -> NewEvent {
    let version = Version::new(version).expect("versions begin at 1");
    let occurred_at = ThreadRuntime.now();
    let text = escaped(text);
    let patch = match event_name.is_tombstone() {
        true => "[]".to_owned(),
        false => format!(r#"[{{"op":"add","path":"","value":{{"version":{version},"text":"{text}"}}}}]"#),
    };
    let record = Record::new(
        event_id,
        event_name.clone(),
        version,
        SchemaVersion::FIRST,
        occurred_at,
        Arc::new(Metadata::default()),
        Bytes::from(patch),
    );
    NewEvent {
        version,
        event_id,
        event_name,
        occurred_at,
        record: record.encode(),
    }
}

/// Debug text of a string is not JSON, so what needs an escape is written as its number.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for part in text.split_inclusive(needs_escape) {
        match part.chars().next_back().filter(|last| needs_escape(*last)) {
            Some(last) => {
                let number = format!("\\u{:04x}", u32::from(last));
                escaped.push_str(&part[..part.len() - 1]);
                escaped.push_str(&number);
            }
            None => escaped.push_str(part),
        }
    }
    escaped
}

const fn needs_escape(c: char) -> bool {
    matches!(c, '"' | '\\' | '\0'..='\u{1f}')
}
