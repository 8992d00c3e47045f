use std::fmt;

use uuid::Uuid;

use crate::{Runtime, StreamId};

/// The identity of an event: a UUIDv7, or a UUIDv5 where the command carried an idempotency key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EventId(Uuid);

/// The namespace of ids that come from idempotency keys. Frozen: changing it would make every stored key new again.
const KEYS: Uuid = Uuid::from_u128(0x6b8d_7f0e_43f5_4bd1_9d0a_a1c9_24e1_57e3);

impl EventId {
    /// A new id: UUIDv7 (RFC 9562) from the runtime's clock, down to fractions of a millisecond (method 3 of its section
    /// 6.2), and 62 bits of its entropy.
    #[must_use]
    pub fn generate(runtime: &dyn Runtime) -> Self {
        let micros = u64::try_from(runtime.now().as_micros()).unwrap_or(0);
        let (millis, rest) = (micros / 1_000, micros % 1_000);
        let fraction = u128::from(rest * 4_096 / 1_000);
        let random = u128::from(runtime.entropy() >> 2);
        let bits = u128::from(millis) << 80 | 7 << 76 | fraction << 64 | 0b10 << 62 | random;
        Self(Uuid::from_u128(bits))
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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use futures::future::BoxFuture;
    use uuid::{Variant, Version};

    use super::EventId;
    use crate::{Runtime, Timestamp};

    /// A clock that stands, and entropy that counts down.
    struct Fixed(i64, std::sync::Mutex<u64>);

    impl Runtime for Fixed {
        fn spawn(&self, _: BoxFuture<'static, ()>) {}

        fn sleep(&self, _: Duration) -> BoxFuture<'static, ()> {
            Box::pin(std::future::ready(()))
        }

        fn now(&self) -> Timestamp {
            Timestamp::from_micros(self.0)
        }

        fn entropy(&self) -> u64 {
            let mut next = self.1.lock().expect("no other thread");
            *next -= 4;
            *next
        }
    }

    #[test]
    fn ids_are_of_version_7_and_sort_by_the_microsecond() {
        let at = |micros| Fixed(micros, std::sync::Mutex::new(u64::MAX));
        let ids: Vec<EventId> = [
            1_795_251_102_000_000,
            1_795_251_102_000_001,
            1_795_251_102_000_999,
            1_795_251_102_001_000,
        ]
        .map(|micros| EventId::generate(&at(micros)))
        .into();
        assert!(ids.is_sorted(), "{ids:?}");
        for id in &ids {
            assert_eq!(id.as_uuid().get_version(), Some(Version::SortRand));
            assert_eq!(id.as_uuid().get_variant(), Variant::RFC4122);
        }
        let seconds = ids[0].as_uuid().get_timestamp().expect("it has one").to_unix();
        assert_eq!(seconds, (1_795_251_102, 0));
    }

    #[test]
    fn ids_of_one_microsecond_differ() {
        let runtime = Fixed(1_795_251_102_000_000, std::sync::Mutex::new(u64::MAX));
        assert_ne!(EventId::generate(&runtime), EventId::generate(&runtime));
    }
}
