use std::fmt;

use crate::Version;

/// What the caller expects of the aggregate before its command runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Expected {
    /// Anything.
    #[default]
    Any,
    /// No living aggregate: it never existed, or it was forgotten. The quickest way to begin one: where it is not cached,
    /// nothing is read first, since the append itself finds out.
    NoStream,
    /// A living aggregate.
    Exists,
    /// A living aggregate whose newest event has this version.
    Exactly(Version),
}

impl Expected {
    /// Whether an aggregate fits: `version` of its newest event, `None` where none lives.
    #[must_use]
    pub fn fits(self, version: Option<Version>) -> bool {
        match self {
            Self::Any => true,
            Self::NoStream => version.is_none(),
            Self::Exists => version.is_some(),
            Self::Exactly(expected) => version == Some(expected),
        }
    }
}

impl fmt::Display for Expected {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Any => f.write_str("anything"),
            Self::NoStream => f.write_str("no aggregate"),
            Self::Exists => f.write_str("an existing aggregate"),
            Self::Exactly(version) => write!(f, "version {version}"),
        }
    }
}
