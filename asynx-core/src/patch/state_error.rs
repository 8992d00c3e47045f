use std::fmt;

use super::{ParseError, Pointer};

/// Why a state cannot be kept as JSON that reads back as the same state, and where in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateError {
    path: Pointer,
    kind: StateErrorKind,
}

/// What is wrong with a state.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StateErrorKind {
    /// A float, or a float as key of a map, that is infinite or not a number.
    NonFinite,
    /// Arrays and objects nest deeper than [`MAX_DEPTH`](super::MAX_DEPTH), or hundreds of newtypes and options do.
    TooDeep,
    /// A key of a map is neither a string nor a number, bool, char or unit variant.
    InvalidKey,
    /// Two members of one object have the same key.
    DuplicateKey,
    /// A raw value is not JSON.
    InvalidJson(ParseError),
    /// The text is longer than 4 GiB.
    TooLarge,
    /// There is no document.
    Absent,
    /// `Serialize` failed, with this message.
    Custom(String),
}

impl StateError {
    pub(crate) fn new(path: Pointer, kind: StateErrorKind) -> Self {
        Self { path, kind }
    }

    /// Where in the state.
    pub fn path(&self) -> &Pointer {
        &self.path
    }

    /// What is wrong there.
    pub fn kind(&self) -> &StateErrorKind {
        &self.kind
    }
}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            StateErrorKind::NonFinite => f.write_str("non-finite float")?,
            StateErrorKind::TooDeep => f.write_str("nested too deeply")?,
            StateErrorKind::InvalidKey => f.write_str("key of a map is not a string")?,
            StateErrorKind::DuplicateKey => f.write_str("duplicate key")?,
            StateErrorKind::InvalidJson(error) => write!(f, "raw value is not JSON: {error}")?,
            StateErrorKind::TooLarge => f.write_str("state is larger than 4 GiB")?,
            StateErrorKind::Absent => f.write_str("no document")?,
            StateErrorKind::Custom(message) => f.write_str(message)?,
        }
        write!(f, " at {:?}", self.path.as_str())
    }
}

impl std::error::Error for StateError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            StateErrorKind::InvalidJson(error) => Some(error),
            _ => None,
        }
    }
}
