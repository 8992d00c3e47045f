use std::fmt;

use bytes::Bytes;
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::node::{Node, View};
use super::scan::Scanner;
use super::serialize::State;
use super::writer::Writer;
use super::{Json, ParseError, StateError, StateErrorKind, same};

/// A serialised state: its compact JSON text, and where in it each value lies.
///
/// What a tape holds can be read back: see [`Tape::of`] for what is refused.
#[derive(Clone)]
pub struct Tape {
    text: Vec<u8>,
    nodes: Vec<Node>,
}

impl Tape {
    /// Serialises a state, once, into text and nodes. The text means the same as that of `serde_json::to_vec`.
    ///
    /// # Errors
    ///
    /// For what could not be read back, with its path: floats that are not finite, nesting deeper than
    /// [`MAX_DEPTH`](super::MAX_DEPTH), keys of maps that are not strings (or numbers, bools, chars, unit variants),
    /// duplicate keys, raw values that are not JSON, and for what `T` itself refuses.
    pub fn of<T: Serialize + ?Sized>(state: &T) -> Result<Self, StateError> {
        Self::write(state, Writer::with_capacity(256, 32))
    }

    /// As [`Tape::of`], in the memory of a tape that is no longer needed, where there is one.
    ///
    /// # Errors
    ///
    /// As [`Tape::of`].
    pub fn of_reusing<T: Serialize + ?Sized>(state: &T, old: Tape) -> Result<Self, StateError> {
        Self::write(state, Writer::reusing(old.text, old.nodes))
    }

    /// An empty tape with room for a state like this one.
    #[must_use]
    pub fn room_like(&self) -> Self {
        let room = |length: usize| length + length / 8 + 16;
        Self {
            text: Vec::with_capacity(room(self.text.len())),
            nodes: Vec::with_capacity(room(self.nodes.len())),
        }
    }

    fn write<T: Serialize + ?Sized>(state: &T, writer: Writer) -> Result<Self, StateError> {
        State::new(writer).write(state).map(Self::from_writer)
    }

    /// Reads a JSON text, without its white space. Numbers are kept as they are written.
    ///
    /// # Errors
    ///
    /// If `text` is not one JSON value, nests deeper than [`MAX_DEPTH`](super::MAX_DEPTH), has a key twice in one
    /// object, or is longer than 4 GiB.
    pub fn parse(text: &[u8]) -> Result<Self, ParseError> {
        let mut scanner = Scanner::new(text)?;
        // strings never grow: what must be escaped comes escaped
        if u32::try_from(text.len()).is_err() {
            return Err(scanner.error("text is too long"));
        }
        let mut writer = Writer::with_capacity(text.len(), text.len() / 16 + 1);
        writer.scan(&mut scanner)?;
        scanner.finish()?;
        Ok(Self::from_writer(writer))
    }

    /// `writer` has written exactly one value.
    pub(crate) fn from_writer(writer: Writer) -> Self {
        Self {
            text: writer.text,
            nodes: writer.nodes,
        }
    }

    /// The compact text.
    pub fn text(&self) -> &[u8] {
        &self.text
    }

    /// The length of the text in bytes.
    pub fn len(&self) -> usize {
        self.text.len()
    }

    /// Never true: the shortest state is one digit.
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Whether both are the same state: objects are compared by key, numbers by text.
    pub fn same(&self, other: &Tape) -> bool {
        same::same(self.view(), 0, other.view(), 0)
    }

    /// The bytes of memory that this tape occupies besides its own two vectors.
    pub fn heap_size(&self) -> usize {
        self.text.capacity() + self.nodes.capacity() * size_of::<Node>()
    }

    /// Gives back memory that was reserved and is not needed.
    pub fn shrink_to_fit(&mut self) {
        self.text.shrink_to_fit();
        self.nodes.shrink_to_fit();
    }

    /// The text, shared, without copying it.
    pub fn into_bytes(self) -> Bytes {
        self.text.into()
    }

    /// The state as a tree.
    pub fn to_json(&self) -> Json {
        Json::parse(&self.text).unwrap_or_else(|error| unreachable!("a tape holds JSON: {error}"))
    }

    /// Decodes the state as `T`.
    ///
    /// # Errors
    ///
    /// If this is no `T`.
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.text)
    }

    #[inline]
    pub(crate) fn view(&self) -> View<'_> {
        View {
            text: &self.text,
            nodes: &self.nodes,
        }
    }
}

impl fmt::Debug for Tape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Tape({self})")
    }
}

impl fmt::Display for Tape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.text))
    }
}

impl From<Tape> for Bytes {
    fn from(tape: Tape) -> Self {
        tape.into_bytes()
    }
}

impl TryFrom<&Json> for Tape {
    type Error = StateError;

    fn try_from(json: &Json) -> Result<Self, StateError> {
        let mut writer = Writer::with_capacity(256, 32);
        let fits = write_json(&mut writer, json);
        let kind = match (fits, writer.is_too_large()) {
            (true, false) => return Ok(Self::from_writer(writer)),
            (false, _) => StateErrorKind::TooDeep,
            (true, true) => StateErrorKind::TooLarge,
        };
        Err(StateError::new(writer.path(), kind))
    }
}

/// Answers whether the tree is as flat as it must be.
fn write_json(writer: &mut Writer, json: &Json) -> bool {
    match json {
        Json::Null => writer.raw_scalar(b"null"),
        Json::Bool(true) => writer.raw_scalar(b"true"),
        Json::Bool(false) => writer.raw_scalar(b"false"),
        Json::Number(number) => writer.raw_scalar(number.as_bytes()),
        Json::String(string) => writer.string(string),
        Json::Array(_) | Json::Object(_) if writer.is_too_deep() => return false,
        Json::Array(elements) => {
            let node = writer.open(b'[');
            for element in elements {
                writer.separate();
                if !write_json(writer, element) {
                    return false;
                }
            }
            writer.close(node, b']');
        }
        Json::Object(members) => {
            let node = writer.open(b'{');
            for (key, value) in members {
                writer.separate();
                super::text::write_string(&mut writer.text, key);
                writer.text.push(b':');
                if !write_json(writer, value) {
                    return false;
                }
            }
            writer.close(node, b'}');
        }
    }
    true
}
