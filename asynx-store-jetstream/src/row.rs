use asynx_core::store::{LogEvent, NewEvent};
use asynx_core::{EventId, EventName, Position, StoreError, StreamId, Timestamp, Version};
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::error::corrupt;
use crate::head::{odd, version_of};
use crate::message::Message;
use crate::names::{text, token};
use crate::wire::Outgoing;

const EVENT_ID: &str = "Asynx-Event-Id";
const EVENT_NAME: &str = "Asynx-Event-Name";
const OCCURRED_AT: &str = "Asynx-Occurred-At";

/// An event without its payload: what stays of it in the log when it is erased and rows are kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Row {
    pub(crate) seq: u64,
    version: u64,
    event_id: Uuid,
    event_name: String,
    /// In microseconds since 1970.
    occurred_at: i64,
}

/// The rows of one aggregate in one bucket, as they are stored.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Rows {
    pub(crate) rows: Vec<Row>,
}

impl Row {
    pub(crate) fn of(message: &Message) -> Result<Self, StoreError> {
        let header = |name| message.header(name).ok_or_else(|| odd(message, name));
        let name = text(header(EVENT_NAME)?).ok_or_else(|| odd(message, EVENT_NAME))?;
        Ok(Self {
            seq: message.seq,
            version: version_of(message)?.get(),
            event_id: header(EVENT_ID)?.parse().map_err(|_| odd(message, EVENT_ID))?,
            event_name: name,
            occurred_at: header(OCCURRED_AT)?.parse().map_err(|_| odd(message, OCCURRED_AT))?,
        })
    }

    pub(crate) fn version(&self) -> Result<Version, StoreError> {
        Version::new(self.version).ok_or_else(|| corrupt(format!("an erased row at {} has version 0", self.seq)))
    }

    pub(crate) const fn event_id(&self) -> EventId {
        EventId::from_uuid(self.event_id)
    }

    pub(crate) fn event(&self, stream: StreamId, record: Option<Bytes>) -> Result<LogEvent, StoreError> {
        Ok(LogEvent {
            position: position(self.seq),
            stream,
            version: self.version()?,
            event_id: self.event_id(),
            event_name: EventName::parse_stored(&self.event_name)
                .map_err(|error| corrupt(format!("message {} has an odd name", self.seq)).caused_by(error))?,
            occurred_at: Timestamp::from_micros(self.occurred_at),
            record,
        })
    }
}

impl Rows {
    pub(crate) fn decode(message: &Message) -> Result<Self, StoreError> {
        serde_json::from_slice(&message.payload)
            .map_err(|error| corrupt(format!("the erased rows of {} cannot be read", message.subject)).caused_by(error))
    }

    pub(crate) fn encode(&self) -> Result<Bytes, StoreError> {
        serde_json::to_vec(self)
            .map(Bytes::from)
            .map_err(|error| corrupt("erased rows cannot be written").caused_by(error))
    }
}

/// The message that an event is stored as.
pub(crate) fn outgoing(subject: String, event: &NewEvent) -> Outgoing {
    Outgoing::new(subject, event.record.clone())
        .with(EVENT_ID, event.event_id)
        .with(EVENT_NAME, token(event.event_name.as_ref()))
        .with(OCCURRED_AT, event.occurred_at.as_micros())
}

/// One part suffices: the sequence of the stream orders everything.
pub(crate) const fn position(seq: u64) -> Position {
    Position::new([0, 0, seq])
}

/// The sequence of a position; `None` for one of another store.
pub(crate) const fn sequence(position: Position) -> Option<u64> {
    match position.parts() {
        [0, 0, seq] => Some(seq),
        _ => None,
    }
}
