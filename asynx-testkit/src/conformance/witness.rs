use std::fmt::{Debug, Display};

use super::check::Kept;
use super::{Law, LawBroken};

/// Tells what a check saw.
pub struct Witness {
    pub(super) law: Law,
    pub(super) check: &'static str,
    pub(super) fixture: String,
}

impl Witness {
    /// The law is broken.
    #[must_use]
    pub fn broken(&self, seen: impl Into<String>) -> LawBroken {
        LawBroken {
            law: self.law,
            check: self.check,
            fixture: self.fixture.clone(),
            seen: seen.into(),
        }
    }

    pub(super) fn ensure(&self, kept: bool, seen: impl Into<String>) -> Kept {
        match kept {
            true => Ok(()),
            false => Err(self.broken(seen)),
        }
    }

    pub(super) fn equal<T: PartialEq + Debug>(&self, what: impl Display, found: T, expected: T) -> Kept {
        match found == expected {
            true => Ok(()),
            false => Err(self.broken(format!("{what}: found {found:?}, expected {expected:?}"))),
        }
    }
}
