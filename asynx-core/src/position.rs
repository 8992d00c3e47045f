use std::fmt;
use std::str::FromStr;

/// A place in the whole log of one store: opaque, totally ordered, with gaps. Positions of different stores do not
/// compare.
///
/// A store puts into the three parts whatever orders its log: a sequence in the last, a transaction before it, an
/// epoch before that. The text form (`Display`, `FromStr`) is stable and fits an HTTP `Last-Event-ID`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position([u64; 3]);

impl Position {
    /// A position from its parts, the most significant first.
    #[must_use]
    pub const fn new(parts: [u64; 3]) -> Self {
        Self(parts)
    }

    /// The parts, the most significant first.
    #[must_use]
    pub const fn parts(self) -> [u64; 3] {
        self.0
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c] = self.0;
        write!(f, "{a}-{b}-{c}")
    }
}

/// Why a text is no [`Position`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is no position: three numbers joined by \"-\" are expected")]
pub struct InvalidPosition {
    text: String,
}

impl FromStr for Position {
    type Err = InvalidPosition;

    fn from_str(text: &str) -> Result<Self, InvalidPosition> {
        let invalid = || InvalidPosition { text: text.to_owned() };
        let mut parts = text.split('-').map(str::parse);
        match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(Ok(a)), Some(Ok(b)), Some(Ok(c)), None) => Ok(Self([a, b, c])),
            _ => Err(invalid()),
        }
    }
}
