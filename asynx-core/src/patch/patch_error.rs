use std::fmt;

use super::ParseError;

/// Why a patch could not be read or applied: what, at which operation, on which path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatchError {
    operation: Option<usize>,
    path: Option<String>,
    kind: PatchErrorKind,
}

/// What is wrong with a patch, or with the document it meets.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PatchErrorKind {
    /// The text is not JSON, or not an array of operations.
    Syntax(ParseError),
    /// An operation without this member.
    MissingMember(&'static str),
    /// An operation other than `add`, `remove` and `replace`.
    UnknownOperation(String),
    /// The path is no JSON Pointer.
    InvalidPath,
    /// `replace` or `remove` of what is not there, or `add` below it.
    NotFound,
    /// An element of an array is denoted by something else than an index within it.
    InvalidIndex,
}

impl PatchError {
    pub(crate) fn syntax(operation: Option<usize>, error: ParseError) -> Self {
        Self {
            operation,
            path: None,
            kind: PatchErrorKind::Syntax(error),
        }
    }

    #[cold]
    pub(crate) fn at(operation: usize, path: Option<&str>, kind: PatchErrorKind) -> Self {
        Self {
            operation: Some(operation),
            path: path.map(str::to_owned),
            kind,
        }
    }

    /// The index of the operation in the patch, where it is known.
    pub fn operation(&self) -> Option<usize> {
        self.operation
    }

    /// The path of the operation, where it is known.
    pub fn path(&self) -> Option<&str> {
        self.path.as_deref()
    }

    /// What is wrong.
    pub fn kind(&self) -> &PatchErrorKind {
        &self.kind
    }
}

impl fmt::Display for PatchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.kind {
            PatchErrorKind::Syntax(error) => write!(f, "patch: {error}")?,
            PatchErrorKind::MissingMember(name) => write!(f, "patch: member {name:?} is missing")?,
            PatchErrorKind::UnknownOperation(name) => write!(f, "patch: operation {name:?} is not supported")?,
            PatchErrorKind::InvalidPath => f.write_str("patch: path is no JSON pointer")?,
            PatchErrorKind::NotFound => f.write_str("patch: path does not exist in the document")?,
            PatchErrorKind::InvalidIndex => f.write_str("patch: no such index in the array")?,
        }
        if let Some(operation) = self.operation {
            write!(f, ", operation {operation}")?;
        }
        if let Some(path) = &self.path {
            write!(f, ", path {path:?}")?;
        }
        Ok(())
    }
}

impl std::error::Error for PatchError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match &self.kind {
            PatchErrorKind::Syntax(error) => Some(error),
            _ => None,
        }
    }
}
