use std::fmt;

use super::operation::{Verb, read_operations};
use super::pointer::{index, unescape};
use super::{
    Json, Operation, ParseError, Patch, PatchError, PatchErrorKind, Pointer, StateError, StateErrorKind, Tape,
};

/// What a stream of patches folds to. Before the first patch there is no document at all.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Document {
    root: Option<Json>,
}

impl Document {
    /// Reads the text of a document.
    ///
    /// # Errors
    ///
    /// As [`Json::parse`].
    pub fn parse(text: &[u8]) -> Result<Self, ParseError> {
        Json::parse(text).map(Self::from)
    }

    /// Applies a patch, given as text, in the order of its operations.
    ///
    /// # Errors
    ///
    /// If the text is no patch, or does not fit this document: see [`PatchErrorKind`]. Operations before the one that
    /// failed stay applied, so the document should be discarded.
    pub fn apply(&mut self, patch: &[u8]) -> Result<(), PatchError> {
        read_operations(patch, |_, verb, path, value| self.step(verb, path, value))
    }

    /// Applies a patch in the order of its operations.
    ///
    /// # Errors
    ///
    /// If an operation does not fit this document. Operations before it stay applied, so the document should be discarded.
    pub fn apply_patch(&mut self, patch: &Patch) -> Result<(), PatchError> {
        for (index, operation) in patch.0.iter().enumerate() {
            let path = operation.path().as_str();
            let (verb, value) = match operation {
                Operation::Add { value, .. } => (Verb::Add, value.clone()),
                Operation::Remove { .. } => (Verb::Remove, Json::Null),
                Operation::Replace { value, .. } => (Verb::Replace, value.clone()),
            };
            self.step(verb, path, value)
                .map_err(|kind| PatchError::at(index, Some(path), kind))?;
        }
        Ok(())
    }

    /// Whether there is no document: nothing was added yet, or the root was removed.
    pub fn is_absent(&self) -> bool {
        self.root.is_none()
    }

    /// The document, unless it is absent.
    pub fn as_json(&self) -> Option<&Json> {
        self.root.as_ref()
    }

    /// The document to be changed, unless it is absent.
    pub fn as_json_mut(&mut self) -> Option<&mut Json> {
        self.root.as_mut()
    }

    /// The document, unless it is absent.
    pub fn into_json(self) -> Option<Json> {
        self.root
    }

    /// The compact text of the document; empty if it is absent.
    pub fn to_vec(&self) -> Vec<u8> {
        self.root.as_ref().map(Json::to_vec).unwrap_or_default()
    }

    /// The document as a tape.
    ///
    /// # Errors
    ///
    /// If the document is absent, or was nested too deeply through [`Document::as_json_mut`].
    pub fn tape(&self) -> Result<Tape, StateError> {
        match &self.root {
            Some(root) => Tape::try_from(root),
            None => Err(StateError::new(Pointer::root(), StateErrorKind::Absent)),
        }
    }

    #[inline]
    fn step(&mut self, verb: Verb, path: &str, value: Json) -> Result<(), PatchErrorKind> {
        let Some(slash) = path.rfind('/') else {
            return self.step_root(verb, value);
        };
        let mut parent = self.root.as_mut().ok_or(PatchErrorKind::NotFound)?;
        if slash > 0 {
            for token in path[1..slash].split('/') {
                parent = parent.step_mut(&unescape(token)).ok_or(PatchErrorKind::NotFound)?;
            }
        }
        let token = unescape(&path[slash + 1..]);
        match parent {
            Json::Object(members) => match verb {
                Verb::Add => {
                    members.insert(token, value);
                }
                Verb::Replace => *members.get_mut(&token).ok_or(PatchErrorKind::NotFound)? = value,
                Verb::Remove => drop(members.remove(&token).ok_or(PatchErrorKind::NotFound)?),
            },
            Json::Array(elements) => {
                let place = if verb == Verb::Add && token == "-" {
                    Some(elements.len())
                } else {
                    index(&token)
                };
                let place = place.ok_or(PatchErrorKind::InvalidIndex)?;
                if place >= elements.len() + usize::from(verb == Verb::Add) {
                    return Err(PatchErrorKind::InvalidIndex);
                }
                match verb {
                    Verb::Add => elements.insert(place, value),
                    Verb::Replace => elements[place] = value,
                    Verb::Remove => drop(elements.remove(place)),
                }
            }
            _ => return Err(PatchErrorKind::NotFound),
        }
        Ok(())
    }

    fn step_root(&mut self, verb: Verb, value: Json) -> Result<(), PatchErrorKind> {
        if verb != Verb::Add && self.root.is_none() {
            return Err(PatchErrorKind::NotFound);
        }
        self.root = if verb == Verb::Remove { None } else { Some(value) };
        Ok(())
    }
}

impl From<Json> for Document {
    fn from(root: Json) -> Self {
        Self { root: Some(root) }
    }
}

impl fmt::Display for Document {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.root.as_ref().map_or(Ok(()), |root| root.fmt(f))
    }
}
