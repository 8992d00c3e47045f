use std::sync::Arc;

use async_nats::HeaderMap;
use asynx_core::{Aggregate, AggregateId, Event, EventId, EventName, Position, Record, catch};
use bytes::Bytes;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use crate::JetStreamBusError;

/// The newest form of letters that this crate reads.
const FORMAT: u32 = 1;

/// An event as it lies in the stream: the whole stored record, and the states after and before it, so that a subscriber
/// needs no store to read it.
#[derive(Debug)]
pub(crate) struct Letter {
    pub(crate) id: EventId,
    pub(crate) version: u64,
    pub(crate) headers: HeaderMap,
    pub(crate) payload: Bytes,
}

/// What the headers tell: all that is needed to pass a letter on without reading it.
#[derive(Debug, Clone)]
pub(crate) struct Envelope {
    pub(crate) id: EventId,
    pub(crate) version: u64,
    pub(crate) name: EventName,
}

const EVENT_ID: &str = "Asynx-Event-Id";
const EVENT_NAME: &str = "Asynx-Event-Name";
const VERSION: &str = "Asynx-Version";

#[derive(Serialize)]
struct Written<'a, A> {
    bus: u32,
    id: &'a str,
    record: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    position: Option<[u64; 3]>,
    aggregate: &'a A,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<&'a A>,
}

#[derive(Deserialize)]
#[serde(bound(deserialize = "A: DeserializeOwned"))]
struct Read<'a, A> {
    id: String,
    #[serde(borrow)]
    record: &'a RawValue,
    #[serde(default)]
    position: Option<[u64; 3]>,
    aggregate: A,
    #[serde(default)]
    previous: Option<A>,
}

#[derive(Deserialize)]
struct Format {
    bus: u32,
}

impl Letter {
    /// Writes an event. Of a tombstone only that it is there: it has no business in a stream of payloads.
    pub(crate) fn of<A: Aggregate>(event: &Event<A>) -> Result<Self, JetStreamBusError> {
        let mut headers = HeaderMap::new();
        headers.insert(EVENT_ID, event.id.to_string());
        headers.insert(EVENT_NAME, crate::names::token(event.event_name.as_str()));
        headers.insert(VERSION, event.version.get().to_string());
        let payload = match event.event_name.is_tombstone() {
            true => Bytes::new(),
            false => catch(|| write(event))
                .unwrap_or_else(|panic| Err(panic.to_string().into()))
                .map_err(|error| {
                    JetStreamBusError::new(format!("event {} cannot be written for the bus", event.id)).caused_by(error)
                })?,
        };
        Ok(Self {
            id: event.id,
            version: event.version.get(),
            headers,
            payload,
        })
    }
}

impl Envelope {
    pub(crate) fn read(headers: Option<&HeaderMap>, at: u64) -> Result<Self, JetStreamBusError> {
        let odd = |name: &str| JetStreamBusError::new(format!("message {at} of the bus has no valid header {name}"));
        let header = |name: &str| {
            let value = headers.and_then(|headers| headers.get(name));
            value.map(|value| value.as_str()).ok_or_else(|| odd(name))
        };
        let name = crate::names::text(header(EVENT_NAME)?).ok_or_else(|| odd(EVENT_NAME))?;
        Ok(Self {
            id: EventId::from_uuid(header(EVENT_ID)?.parse().map_err(|_| odd(EVENT_ID))?),
            version: header(VERSION)?.parse().map_err(|_| odd(VERSION))?,
            name: EventName::parse_stored(name).map_err(|_| odd(EVENT_NAME))?,
        })
    }

    /// The headers of the same event elsewhere.
    pub(crate) fn headers(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(EVENT_ID, self.id.to_string());
        headers.insert(EVENT_NAME, crate::names::token(self.name.as_str()));
        headers.insert(VERSION, self.version.to_string());
        headers
    }
}

/// Reads an event.
pub(crate) fn open<A: Aggregate>(payload: &Bytes, envelope: &Envelope) -> Result<Event<A>, JetStreamBusError> {
    let read = catch(|| read(payload)).unwrap_or_else(|panic| Err(panic.to_string().into()));
    read.map_err(|error| {
        JetStreamBusError::new(format!(
            "event {} cannot be read from the bus: this process has another form of the aggregate than its writer",
            envelope.id
        ))
        .caused_by(error)
    })
}

/// Whose event a letter is.
pub(crate) fn aggregate_id(payload: &Bytes) -> Option<AggregateId> {
    #[derive(Deserialize)]
    struct Id {
        id: String,
    }
    let Id { id } = serde_json::from_slice(payload).ok()?;
    AggregateId::parse(id).ok()
}

type Failure = Box<dyn std::error::Error + Send + Sync>;

fn write<A: Aggregate>(event: &Event<A>) -> Result<Bytes, Failure> {
    let record = Record::new(
        event.id,
        event.event_name.clone(),
        event.version,
        event.schema_version,
        event.occurred_at,
        Arc::clone(&event.metadata),
        event.patch.clone(),
    );
    let record = RawValue::from_string(String::from_utf8(record.encode().into())?)?;
    let written = Written {
        bus: FORMAT,
        id: event.aggregate_id.as_str(),
        record: &record,
        position: event.position.map(Position::parts),
        aggregate: &*event.aggregate,
        previous: event.previous.as_deref(),
    };
    Ok(serde_json::to_vec(&written)?.into())
}

fn read<A: Aggregate>(payload: &Bytes) -> Result<Event<A>, Failure> {
    let Format { bus } = serde_json::from_slice(payload)?;
    if bus > FORMAT {
        return Err(format!("it has format {bus}, this program reads up to {FORMAT}; update the program").into());
    }
    let read: Read<'_, A> = serde_json::from_slice(payload)?;
    let record = Record::decode(&payload.slice_ref(read.record.get().as_bytes()))?;
    let position = read.position.map(Position::new);
    let (aggregate, previous) = (Arc::new(read.aggregate), read.previous.map(Arc::new));
    Ok(Event::new(
        AggregateId::parse(read.id)?,
        record,
        position,
        previous,
        aggregate,
    ))
}

#[cfg(test)]
mod tests {
    use asynx_core::{Metadata, SchemaVersion, Timestamp, Version};

    use super::*;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Order {
        lines: Vec<String>,
    }

    impl Aggregate for Order {
        const CATEGORY: &'static str = "order";
    }

    fn event(name: EventName) -> Event<Order> {
        let mut metadata = Metadata::default();
        metadata.correlation_id = Some("c-1".to_owned());
        let id = EventId::from_uuid(uuid::Uuid::from_u128(7));
        let record = Record::new(
            id,
            name,
            Version::new(2).unwrap(),
            SchemaVersion::new(3).unwrap(),
            Timestamp::from_micros(5),
            Arc::new(metadata),
            Bytes::from_static(br#"[{"op":"add","path":"/lines/0","value":"tea"}]"#),
        );
        let state = |lines: &[&str]| {
            let lines = lines.iter().map(|line| (*line).to_owned()).collect();
            Arc::new(Order { lines })
        };
        let position = Some(Position::new([1, 2, 3]));
        Event::new(
            AggregateId::parse("a.b").unwrap(),
            record,
            position,
            Some(state(&[])),
            state(&["tea"]),
        )
    }

    #[test]
    fn everything_but_the_ancestry_comes_back() {
        let sent = event(EventName::parse("Order made. é").unwrap());
        let letter = Letter::of(&sent).unwrap();
        let envelope = Envelope::read(Some(&letter.headers), 1).unwrap();
        assert_eq!((envelope.id, envelope.version), (sent.id, 2));
        assert_eq!(envelope.headers(), letter.headers);
        let given: Event<Order> = open(&letter.payload, &envelope).unwrap();
        assert_eq!(format!("{:?}", *given), format!("{:?}", *sent));
        assert_eq!(aggregate_id(&letter.payload), Some(sent.aggregate_id.clone()));
    }

    #[test]
    fn a_tombstone_has_no_payload() {
        assert!(Letter::of(&event(EventName::tombstone())).unwrap().payload.is_empty());
    }

    #[test]
    fn what_is_newer_is_refused_with_what_to_do() {
        let sent = event(EventName::parse("Made").unwrap());
        let letter = Letter::of(&sent).unwrap();
        let envelope = Envelope::read(Some(&letter.headers), 1).unwrap();
        let newer = String::from_utf8(letter.payload.to_vec())
            .unwrap()
            .replace(r#""bus":1"#, r#""bus":2"#);
        let error = open::<Order>(&newer.into(), &envelope).unwrap_err();
        let cause = std::error::Error::source(&error).unwrap().to_string();
        assert!(cause.contains("update the program"), "{cause}");
    }
}
