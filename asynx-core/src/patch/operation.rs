use std::borrow::Cow;
use std::fmt;

use super::pointer::{Tokens, is_valid};
use super::scan::Scanner;
use super::{Json, ParseError, PatchError, PatchErrorKind, Pointer, text};

/// One step of a patch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Puts a value where none is: a new member, or an element before the one with that index. A member that is there is replaced.
    Add {
        /// Where to.
        path: Pointer,
        /// What.
        value: Json,
    },
    /// Takes a value away.
    Remove {
        /// Where from.
        path: Pointer,
    },
    /// Puts a value in the place of another.
    Replace {
        /// Where.
        path: Pointer,
        /// What.
        value: Json,
    },
}

impl Operation {
    /// The place that the operation concerns.
    pub fn path(&self) -> &Pointer {
        match self {
            Self::Add { path, .. } | Self::Remove { path } | Self::Replace { path, .. } => path,
        }
    }

    /// The place that the operation concerns, to be changed.
    pub fn path_mut(&mut self) -> &mut Pointer {
        match self {
            Self::Add { path, .. } | Self::Remove { path } | Self::Replace { path, .. } => path,
        }
    }

    /// The value that the operation brings.
    pub fn value(&self) -> Option<&Json> {
        match self {
            Self::Add { value, .. } | Self::Replace { value, .. } => Some(value),
            Self::Remove { .. } => None,
        }
    }

    /// The value that the operation brings, to be changed.
    pub fn value_mut(&mut self) -> Option<&mut Json> {
        match self {
            Self::Add { value, .. } | Self::Replace { value, .. } => Some(value),
            Self::Remove { .. } => None,
        }
    }

    /// `add`, `remove` or `replace`.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Add { .. } => "add",
            Self::Remove { .. } => "remove",
            Self::Replace { .. } => "replace",
        }
    }

    fn write_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(b"{\"op\":\"");
        out.extend_from_slice(self.name().as_bytes());
        out.extend_from_slice(b"\",\"path\":");
        text::write_string(out, self.path().as_str());
        if let Some(value) = self.value() {
            out.extend_from_slice(b",\"value\":");
            value.write_to(out);
        }
        out.push(b'}');
    }
}

/// A patch as values: the operations in order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Patch(pub Vec<Operation>);

impl Patch {
    /// Reads the text of a patch. Members that RFC 6902 does not know are ignored, as it demands.
    ///
    /// # Errors
    ///
    /// If `text` is not an array of `add`, `remove` and `replace` operations; `move`, `copy` and `test` are not supported.
    pub fn parse(text: &[u8]) -> Result<Self, PatchError> {
        let mut operations = Vec::new();
        read_operations(text, |_, verb, path, value| {
            let path = Pointer::parse(path).map_err(|_| PatchErrorKind::InvalidPath)?;
            operations.push(match verb {
                Verb::Add => Operation::Add { path, value },
                Verb::Remove => Operation::Remove { path },
                Verb::Replace => Operation::Replace { path, value },
            });
            Ok(())
        })?;
        Ok(Self(operations))
    }

    /// The text of the patch.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = vec![b'['];
        for (index, operation) in self.0.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            operation.write_to(&mut out);
        }
        out.push(b']');
        out
    }
}

impl fmt::Display for Patch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.to_vec()))
    }
}

impl FromIterator<Operation> for Patch {
    fn from_iter<I: IntoIterator<Item = Operation>>(operations: I) -> Self {
        Self(operations.into_iter().collect())
    }
}

impl From<Vec<Operation>> for Patch {
    fn from(operations: Vec<Operation>) -> Self {
        Self(operations)
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verb {
    Add,
    Remove,
    Replace,
}

/// Reads the operations of a patch one by one and hands each to `take`: verb, valid path, and value (`null` for `remove`).
pub(crate) fn read_operations<'t>(
    text: &'t [u8],
    mut take: impl FnMut(usize, Verb, &str, Json) -> Result<(), PatchErrorKind>,
) -> Result<(), PatchError> {
    let outside = |error| PatchError::syntax(None, error);
    let mut scanner: Scanner<'t> = Scanner::new(text).map_err(outside)?;
    scanner
        .expect(b'[', "expected an array of operations")
        .map_err(outside)?;
    let mut index = 0;
    while scanner.more(b']', index == 0).map_err(outside)? {
        let members = Members::scan(&mut scanner).map_err(|error| PatchError::syntax(Some(index), error))?;
        let (verb, path, value) = members
            .into_operation(&mut scanner)
            .map_err(|(path, kind)| PatchError::at(index, path.as_deref(), kind))?;
        take(index, verb, &path, value).map_err(|kind| PatchError::at(index, Some(&path), kind))?;
        index += 1;
    }
    scanner.finish().map_err(outside)
}

/// The members of one operation, as far as they are known; they come in any order.
#[derive(Default)]
struct Members<'t> {
    op: Option<Cow<'t, str>>,
    path: Option<Cow<'t, str>>,
    value: Option<Json>,
    /// Where a value begins that came before its path.
    early_value: Option<usize>,
}

impl<'t> Members<'t> {
    fn scan(scanner: &mut Scanner<'t>) -> Result<Self, ParseError> {
        let mut members = Self::default();
        scanner.expect(b'{', "expected an operation")?;
        let mut first = true;
        while scanner.more(b'}', first)? {
            first = false;
            let key = scanner.key()?;
            scanner.peek()?;
            let duplicate = match &*key {
                "op" => members.op.replace(string(scanner)?).is_some(),
                "path" => members.path.replace(string(scanner)?).is_some(),
                "value" => match &members.path {
                    Some(path) => {
                        let depth = Tokens::new(path).count();
                        members.value.replace(Json::scan(scanner, depth)?).is_some()
                    }
                    None => {
                        let duplicate = members.early_value.replace(scanner.at()).is_some();
                        scanner.skip(0)?;
                        duplicate
                    }
                },
                _ => scanner.skip(0).map(|()| false)?,
            };
            if duplicate || (members.value.is_some() && members.early_value.is_some()) {
                return Err(scanner.error("duplicate key before"));
            }
        }
        Ok(members)
    }

    #[expect(clippy::type_complexity, reason = "taken apart where it is called")]
    fn into_operation(
        self,
        scanner: &mut Scanner<'t>,
    ) -> Result<(Verb, Cow<'t, str>, Json), (Option<Cow<'t, str>>, PatchErrorKind)> {
        let Some(op) = self.op else {
            return Err((self.path, PatchErrorKind::MissingMember("op")));
        };
        let verb = match &*op {
            "add" => Verb::Add,
            "remove" => Verb::Remove,
            "replace" => Verb::Replace,
            _ => return Err((self.path, PatchErrorKind::UnknownOperation(op.into_owned()))),
        };
        let Some(path) = self.path else {
            return Err((None, PatchErrorKind::MissingMember("path")));
        };
        if !is_valid(&path) {
            return Err((Some(path), PatchErrorKind::InvalidPath));
        }
        if verb == Verb::Remove {
            return Ok((verb, path, Json::Null));
        }
        match (self.value, self.early_value) {
            (Some(value), _) => Ok((verb, path, value)),
            (None, None) => Err((Some(path), PatchErrorKind::MissingMember("value"))),
            (None, Some(early)) => {
                let after = scanner.at();
                scanner.rewind(early);
                let value = Json::scan(scanner, Tokens::new(&path).count());
                scanner.rewind(after);
                match value {
                    Ok(value) => Ok((verb, path, value)),
                    Err(error) => Err((Some(path), PatchErrorKind::Syntax(error))),
                }
            }
        }
    }
}

fn string<'t>(scanner: &mut Scanner<'t>) -> Result<Cow<'t, str>, ParseError> {
    if scanner.peek()? != b'"' {
        return Err(scanner.error("expected a string"));
    }
    scanner.string()
}
