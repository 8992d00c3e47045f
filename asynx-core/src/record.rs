use std::borrow::Cow;
use std::sync::Arc;

use bytes::Bytes;
use serde::Deserialize;
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::patch::text;
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
    #[error("the bytes are no record: {reason}; restore the event from a backup")]
    Malformed {
        /// What is wrong, and where in the bytes.
        reason: String,
    },
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
        let mut bytes = Vec::with_capacity(192 + self.patch.len());
        self.write_head(&mut bytes);
        bytes.extend_from_slice(&self.patch);
        bytes.push(b'}');
        bytes.into()
    }

    /// Writes the patch and the record around it at once, and answers the bytes to store; the patch shares their memory.
    /// `scratch` is room to write in, which the next record can use again; what it holds is dropped.
    ///
    /// # Errors
    /// Those of `patch`, which appends the JSON text of the patch to what it is given.
    pub fn compose<T, E>(
        &mut self,
        scratch: &mut Vec<u8>,
        patch: impl FnOnce(&mut Vec<u8>) -> Result<T, E>,
    ) -> Result<(Bytes, T), E> {
        scratch.clear();
        self.write_head(scratch);
        let start = scratch.len();
        let written = patch(scratch)?;
        let end = scratch.len();
        scratch.push(b'}');
        let bytes = Bytes::copy_from_slice(scratch);
        self.patch = bytes.slice(start..end);
        Ok((bytes, written))
    }

    /// All that comes before the patch.
    fn write_head(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(br#"{"asynx":"#);
        text::write_integer(out, FORMAT);
        out.extend_from_slice(br#","id":""#);
        let mut id = Uuid::encode_buffer();
        out.extend_from_slice(self.event_id.as_uuid().hyphenated().encode_lower(&mut id).as_bytes());
        out.extend_from_slice(br#"","name":"#);
        text::write_string(out, self.event_name.as_str());
        out.extend_from_slice(br#","version":"#);
        text::write_integer(out, self.version.get());
        out.extend_from_slice(br#","schema":"#);
        text::write_integer(out, self.schema_version.get());
        out.extend_from_slice(br#","at":"#);
        text::write_integer(out, self.occurred_at.as_micros());
        if !self.metadata.is_empty() {
            out.extend_from_slice(br#","meta":"#);
            serde_json::to_writer(&mut *out, &*self.metadata).expect("strings and string maps are JSON");
        }
        out.extend_from_slice(br#","patch":"#);
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
