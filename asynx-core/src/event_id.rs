use std::fmt;

use uuid::Uuid;

use crate::{Runtime, StreamId};

/// The identity of an event: a UUIDv7, or a UUIDv5 where the command carried an idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(Uuid);

/// The namespace of ids that come from idempotency keys. Frozen: changing it would make every stored key new again.
const KEYS: Uuid = Uuid::from_u128(0x6b8d_7f0e_43f5_4bd1_9d0a_a1c9_24e1_57e3);

impl EventId {
    /// A new id: UUIDv7 (RFC 9562) from the runtime's clock and entropy.
    #[must_use]
    pub fn generate(runtime: &dyn Runtime) -> Self {
        let mut random = [0; 10];
        random[..8].copy_from_slice(&runtime.entropy().to_le_bytes());
        random[8..].copy_from_slice(&runtime.entropy().to_le_bytes()[..2]);
        let millis = u64::try_from(runtime.now().as_micros() / 1000).unwrap_or(0);
        Self(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid())
    }

    /// The id that an idempotency key stands for, scoped to its aggregate: UUIDv5 over the length-prefixed category,
    /// aggregate id and key.
    #[must_use]
    pub fn from_key(stream: &StreamId, key: &str) -> Self {
        let mut name = Vec::with_capacity(24 + key.len() + 2 * 32);
        for part in [stream.category.as_str(), stream.aggregate_id.as_str(), key] {
            name.extend_from_slice(&(part.len() as u64).to_be_bytes());
            name.extend_from_slice(part.as_bytes());
        }
        Self(Uuid::new_v5(&KEYS, &name))
    }

    /// An id from a UUID, as a store gives it back.
    #[must_use]
    pub const fn from_uuid(uuid: Uuid) -> Self {
        Self(uuid)
    }

    /// The UUID.
    #[must_use]
    pub const fn as_uuid(self) -> Uuid {
        self.0
    }
}

impl fmt::Display for EventId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
