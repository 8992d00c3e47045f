use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::{EventId, EventName, Metadata, SchemaVersion, Timestamp, Version};

/// The format of records that this program writes, and the newest that it reads.
pub const FORMAT: u32 = 1;

/// One event as a store keeps it: JSON text that describes itself, so that the simplest store needs nothing else and
/// people can read it with the tools of their database.
///
/// ```json
/// {"asynx":1,"id":"019a...","name":"OrderConfirmed","version":2,"schema":1,"at":1795251102000000,
///  "patch":[{"op":"replace","path":"/status","value":"Confirmed"}]}
/// ```
///
/// `at` is in microseconds since 1970. `meta` follows it where there is any. Records of a format keep their bytes for
/// ever; a new format gets a new number.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Record {
    /// The identity of the event.
    pub event_id: EventId,
    /// What happened.
    pub event_name: EventName,
    /// The place in the aggregate's stream.
    pub version: Version,
    /// The shape that the patch was written with.
    pub schema_version: SchemaVersion,
    /// When the command ran.
    pub occurred_at: Timestamp,
    /// Who, why, in which trace.
    pub metadata: Arc<Metadata>,
    /// The change: an RFC 6902 JSON Patch in JSON text.
    pub patch: Bytes,
}

/// Why bytes are no record that this program can read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// The record was written by a newer program.
    #[error("the record has format {found}, this program reads up to {FORMAT}; update the program")]
    NewerFormat {
        /// The format of the record.
        found: u32,
    },
    /// The bytes are no record.
    #[error("the bytes are no record: {reason}")]
    Malformed {
        /// What is wrong, and where in the bytes.
        reason: String,
    },
}

#[derive(Serialize)]
struct Written<'a> {
    asynx: u32,
    id: Uuid,
    name: &'a str,
    version: u64,
    schema: u32,
    at: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    meta: Option<&'a Metadata>,
}

#[derive(Deserialize)]
struct Read<'a> {
    id: Uuid,
    #[serde(borrow)]
    name: Cow<'a, str>,
    version: u64,
    schema: u32,
    at: i64,
    #[serde(default)]
    meta: Option<Metadata>,
    #[serde(borrow)]
    patch: &'a RawValue,
}

#[derive(Deserialize)]
struct Format {
    asynx: u32,
}

impl Record {
    /// A record from its parts; `patch` is the JSON text of an RFC 6902 patch.
    #[must_use]
    pub const fn new(
        event_id: EventId,
        event_name: EventName,
        version: Version,
        schema_version: SchemaVersion,
        occurred_at: Timestamp,
        metadata: Arc<Metadata>,
        patch: Bytes,
    ) -> Self {
        Self {
            event_id,
            event_name,
            version,
            schema_version,
            occurred_at,
            metadata,
            patch,
        }
    }

    /// The bytes to store.
    #[must_use]
    pub fn encode(&self) -> Bytes {
        let head = Written {
            asynx: FORMAT,
            id: self.event_id.as_uuid(),
            name: self.event_name.as_str(),
            version: self.version.get(),
            schema: self.schema_version.get(),
            at: self.occurred_at.as_micros(),
            meta: (!self.metadata.is_empty()).then_some(&*self.metadata),
        };
        let mut bytes = Vec::with_capacity(160 + self.patch.len());
        serde_json::to_writer(&mut bytes, &head).expect("strings, numbers and string maps are JSON");
        bytes.pop();
        bytes.extend_from_slice(br#","patch":"#);
        bytes.extend_from_slice(&self.patch);
        bytes.push(b'}');
        bytes.into()
    }

    /// Reads stored bytes; the patch shares their memory.
    ///
    /// # Errors
    /// [`RecordError`] when the bytes are damaged or were written by a newer program.
    pub fn decode(bytes: &Bytes) -> Result<Self, RecordError> {
        let malformed = |reason: String| RecordError::Malformed { reason };
        let read: Read<'_> = match serde_json::from_slice(bytes) {
            Ok(read) => read,
            Err(error) => return Err(Self::explain(bytes, &error)),
        };
        // A format beyond ours may mean something else by the same members, so it is asked for after all the same.
        match bytes.strip_prefix(br#"{"asynx":1,"#) {
            Some(_) => {}
            None => Self::check_format(bytes)?,
        }
        Ok(Self {
            event_id: EventId::from_uuid(read.id),
            event_name: EventName::parse_stored(&read.name).map_err(|error| malformed(error.to_string()))?,
            version: Version::try_from(read.version).map_err(|error| malformed(error.to_string()))?,
            schema_version: SchemaVersion::try_from(read.schema).map_err(|error| malformed(error.to_string()))?,
            occurred_at: Timestamp::from_micros(read.at),
            metadata: Arc::new(read.meta.unwrap_or_default()),
            patch: bytes.slice_ref(read.patch.get().as_bytes()),
        })
    }

    fn check_format(bytes: &[u8]) -> Result<(), RecordError> {
        match serde_json::from_slice::<Format>(bytes) {
            Ok(Format { asynx: FORMAT }) => Ok(()),
            Ok(Format { asynx: found }) if found > FORMAT => Err(RecordError::NewerFormat { found }),
            Ok(Format { asynx }) => Err(RecordError::Malformed {
                reason: format!("format {asynx} never existed"),
            }),
            Err(error) => Err(RecordError::Malformed {
                reason: error.to_string(),
            }),
        }
    }

    fn explain(bytes: &[u8], error: &serde_json::Error) -> RecordError {
        match Self::check_format(bytes) {
            Err(newer @ RecordError::NewerFormat { .. }) => newer,
            _ => RecordError::Malformed {
                reason: error.to_string(),
            },
        }
    }
}
