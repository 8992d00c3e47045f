use std::error::Error;
use std::fmt;

use asynx_core::patch::Pointer;

use crate::BoxError;

/// Why a path operation did not upcast a patch: what, at which operation of the patch, on which path.
#[derive(Debug)]
pub struct Refused {
    pub(super) description: String,
    pub(super) index: usize,
    pub(super) name: &'static str,
    pub(super) path: Pointer,
    pub(super) refusal: Refusal,
}

/// What a path operation cannot do without the document.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Refusal {
    /// A value that is renamed or moved would meet another one.
    #[error("the target is in use already")]
    Occupied,
    /// A value cannot be moved, because no object is there to take it.
    #[error("there is no object to hold the target")]
    NoParent,
    /// The operation replaces or removes an object that holds the target, and what was moved into it would be lost.
    #[error("it changes the object that holds the target as a whole")]
    Parent,
    /// The operation changes the inside of a value that can only be converted as a whole.
    #[error("it changes the inside of a converted value: convert what is inside by a longer path, or write a closure")]
    Inside,
    /// The conversion failed.
    #[error("the conversion failed")]
    Conversion(#[source] BoxError),
}

impl Refused {
    /// The index of the operation in the patch.
    pub fn operation(&self) -> usize {
        self.index
    }

    /// The path of the operation.
    pub fn path(&self) -> &Pointer {
        &self.path
    }

    /// What could not be done.
    pub fn refusal(&self) -> &Refusal {
        &self.refusal
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}: operation {}, {} {:?}: {}",
            self.description,
            self.index,
            self.name,
            self.path.as_str(),
            self.refusal
        )
    }
}

impl Error for Refused {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.refusal.source()
    }
}
