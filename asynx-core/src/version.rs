use std::fmt;
use std::num::{NonZeroU32, NonZeroU64};

/// Why a number is no valid [`Version`] or [`SchemaVersion`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{what} must be from 1 to {max}, got {number}")]
pub struct InvalidVersion {
    what: &'static str,
    max: u64,
    number: u64,
}

/// The place of an event in its aggregate's stream: 1 for the first, then without gaps, also over a forget.
///
/// At most `i64::MAX`, so that every database can keep it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version(NonZeroU64);

impl Version {
    /// The version of a stream's first event.
    pub const FIRST: Self = Self(NonZeroU64::MIN);

    /// The greatest version.
    pub const LAST: Self = match Self::new(i64::MAX as u64) {
        Some(last) => last,
        None => Self::FIRST,
    };

    /// `Some` from 1 to `i64::MAX`.
    #[must_use]
    pub const fn new(number: u64) -> Option<Self> {
        if number > i64::MAX as u64 {
            return None;
        }
        match NonZeroU64::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u64 {
        self.0.get()
    }

    /// The number as databases have it.
    #[must_use]
    pub const fn as_i64(self) -> i64 {
        self.0.get() as i64
    }

    /// The version after this one; the last is its own successor, which no stream reaches.
    #[must_use]
    pub const fn next(self) -> Self {
        self.plus(1)
    }

    /// The version `n` places after this one, at most the last.
    #[must_use]
    pub const fn plus(self, n: u64) -> Self {
        match Self::new(self.0.get().saturating_add(n)) {
            Some(version) => version,
            None => Self::LAST,
        }
    }

    /// The version before this one; `None` before the first.
    #[must_use]
    pub const fn previous(self) -> Option<Self> {
        Self::new(self.0.get() - 1)
    }

    /// The version that follows a head: the first where there is no stream.
    #[must_use]
    pub const fn after(head: Option<Self>) -> Self {
        match head {
            Some(version) => version.next(),
            None => Self::FIRST,
        }
    }
}

impl TryFrom<u64> for Version {
    type Error = InvalidVersion;

    fn try_from(number: u64) -> Result<Self, InvalidVersion> {
        Self::new(number).ok_or(InvalidVersion {
            what: "version",
            max: i64::MAX as u64,
            number,
        })
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The shape of an aggregate's documents: 1 for the first, one more with each breaking change of the type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SchemaVersion(NonZeroU32);

impl SchemaVersion {
    /// The shape that a type begins with.
    pub const FIRST: Self = Self(NonZeroU32::MIN);

    /// `Some` from 1 to `i32::MAX`.
    #[must_use]
    pub const fn new(number: u32) -> Option<Self> {
        if number > i32::MAX as u32 {
            return None;
        }
        match NonZeroU32::new(number) {
            Some(number) => Some(Self(number)),
            None => None,
        }
    }

    /// The number.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }

    /// The shape after this one.
    ///
    /// # Panics
    /// After `i32::MAX`.
    #[must_use]
    pub const fn next(self) -> Self {
        match Self::new(self.0.get() + 1) {
            Some(version) => version,
            None => panic!("schema version beyond i32::MAX"),
        }
    }
}

impl TryFrom<u32> for SchemaVersion {
    type Error = InvalidVersion;

    fn try_from(number: u32) -> Result<Self, InvalidVersion> {
        Self::new(number).ok_or(InvalidVersion {
            what: "schema version",
            max: i32::MAX as u64,
            number: u64::from(number),
        })
    }
}

impl fmt::Display for SchemaVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
