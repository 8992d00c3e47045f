use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::scan::Scanner;
use super::{Number, Object, ParseError, Pointer, StateError, Tape, text};

/// A JSON value as a tree, lossless: numbers keep their text.
///
/// Equality ignores the order of an object's members; numbers are equal if their texts are.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Json {
    /// `null`
    #[default]
    Null,
    /// `true` or `false`
    Bool(bool),
    /// A number, as it was written.
    Number(Number),
    /// A string, decoded.
    String(String),
    /// An array.
    Array(Vec<Json>),
    /// An object.
    Object(Object),
}

impl Json {
    /// Reads one JSON text. Duplicate keys are refused.
    ///
    /// # Errors
    ///
    /// If `text` is not one JSON value, nests deeper than [`MAX_DEPTH`](super::MAX_DEPTH), or has a key twice in one object.
    pub fn parse(text: &[u8]) -> Result<Self, ParseError> {
        let mut scanner = Scanner::new(text)?;
        let json = Self::scan(&mut scanner, 0)?;
        scanner.finish()?;
        Ok(json)
    }

    /// Reads one value; `depth` containers are open around it.
    pub(crate) fn scan(scanner: &mut Scanner<'_>, depth: usize) -> Result<Self, ParseError> {
        Ok(match scanner.peek()? {
            b'"' => Self::String(scanner.string()?.into_owned()),
            b'{' => Self::Object(scan_object(scanner, depth)?),
            b'[' => Self::Array(scan_array(scanner, depth)?),
            b'n' => scanner.word("null").map(|()| Self::Null)?,
            b't' => scanner.word("true").map(|()| Self::Bool(true))?,
            b'f' => scanner.word("false").map(|()| Self::Bool(false))?,
            b'-' | b'0'..=b'9' => Self::Number(Number::from_valid(scanner.number()?)),
            _ => return Err(scanner.error("expected a value")),
        })
    }

    /// Serialises `value` as a tree.
    ///
    /// # Errors
    ///
    /// As [`Tape::of`](super::Tape::of).
    pub fn from_serialize<T: Serialize + ?Sized>(value: &T) -> Result<Self, StateError> {
        Tape::of(value).map(|tape| tape.to_json())
    }

    /// Decodes the value as `T`, through its text.
    ///
    /// # Errors
    ///
    /// If this is no `T`.
    pub fn deserialize<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&self.to_vec())
    }

    /// The compact text.
    pub fn to_vec(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write_to(&mut out);
        out
    }

    /// Appends the compact text to `out`.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        match self {
            Self::Null => out.extend_from_slice(b"null"),
            Self::Bool(true) => out.extend_from_slice(b"true"),
            Self::Bool(false) => out.extend_from_slice(b"false"),
            Self::Number(number) => out.extend_from_slice(number.as_bytes()),
            Self::String(string) => text::write_string(out, string),
            Self::Array(elements) => {
                out.push(b'[');
                for (index, element) in elements.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    element.write_to(out);
                }
                out.push(b']');
            }
            Self::Object(members) => {
                out.push(b'{');
                for (index, (key, value)) in members.iter().enumerate() {
                    if index > 0 {
                        out.push(b',');
                    }
                    text::write_string(out, key);
                    out.push(b':');
                    value.write_to(out);
                }
                out.push(b'}');
            }
        }
    }

    /// Whether this is `null`.
    pub fn is_null(&self) -> bool {
        matches!(self, Self::Null)
    }

    /// The bool, if this is one.
    pub fn as_bool(&self) -> Option<bool> {
        if let Self::Bool(value) = self {
            Some(*value)
        } else {
            None
        }
    }

    /// The number, if this is one.
    pub fn as_number(&self) -> Option<&Number> {
        if let Self::Number(number) = self {
            Some(number)
        } else {
            None
        }
    }

    /// The number as an `i64`, if this is one.
    pub fn as_i64(&self) -> Option<i64> {
        self.as_number()?.as_i64()
    }

    /// The number as a `u64`, if this is one.
    pub fn as_u64(&self) -> Option<u64> {
        self.as_number()?.as_u64()
    }

    /// The number as the nearest finite `f64`, if this is one.
    pub fn as_f64(&self) -> Option<f64> {
        self.as_number()?.as_f64()
    }

    /// The string, if this is one.
    pub fn as_str(&self) -> Option<&str> {
        if let Self::String(string) = self {
            Some(string)
        } else {
            None
        }
    }

    /// The array, if this is one.
    pub fn as_array(&self) -> Option<&Vec<Json>> {
        if let Self::Array(elements) = self {
            Some(elements)
        } else {
            None
        }
    }

    /// The array to be changed, if this is one.
    pub fn as_array_mut(&mut self) -> Option<&mut Vec<Json>> {
        if let Self::Array(elements) = self {
            Some(elements)
        } else {
            None
        }
    }

    /// The object, if this is one.
    pub fn as_object(&self) -> Option<&Object> {
        if let Self::Object(members) = self {
            Some(members)
        } else {
            None
        }
    }

    /// The object to be changed, if this is one.
    pub fn as_object_mut(&mut self) -> Option<&mut Object> {
        if let Self::Object(members) = self {
            Some(members)
        } else {
            None
        }
    }

    /// The member `key`, if this is an object that has it.
    pub fn get(&self, key: &str) -> Option<&Json> {
        self.as_object()?.get(key)
    }

    /// The member `key` to be changed, if this is an object that has it.
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Json> {
        self.as_object_mut()?.get_mut(key)
    }

    /// The value that `pointer` denotes.
    pub fn pointer(&self, pointer: &Pointer) -> Option<&Json> {
        pointer.tokens().try_fold(self, |json, token| match json {
            Self::Object(members) => members.get(&token),
            Self::Array(elements) => elements.get(super::pointer::index(&token)?),
            _ => None,
        })
    }

    /// The value that `pointer` denotes, to be changed.
    pub fn pointer_mut(&mut self, pointer: &Pointer) -> Option<&mut Json> {
        pointer.tokens().try_fold(self, |json, token| json.step_mut(&token))
    }

    /// The member or element that one reference token denotes.
    #[inline]
    pub(crate) fn step_mut(&mut self, token: &str) -> Option<&mut Json> {
        match self {
            Self::Object(members) => members.get_mut(token),
            Self::Array(elements) => elements.get_mut(super::pointer::index(token)?),
            _ => None,
        }
    }
}

impl fmt::Display for Json {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.to_vec()))
    }
}

fn scan_array(scanner: &mut Scanner<'_>, depth: usize) -> Result<Vec<Json>, ParseError> {
    scanner.descend(depth)?;
    let mut elements = Vec::new();
    while scanner.more(b']', elements.is_empty())? {
        elements.push(Json::scan(scanner, depth + 1)?);
    }
    Ok(elements)
}

fn scan_object(scanner: &mut Scanner<'_>, depth: usize) -> Result<Object, ParseError> {
    scanner.descend(depth)?;
    let mut members = Object::new();
    while scanner.more(b'}', members.is_empty())? {
        let key = scanner.key()?.into_owned();
        let value = Json::scan(scanner, depth + 1)?;
        if !members.insert_new(key, value) {
            return Err(scanner.error("duplicate key before"));
        }
    }
    Ok(members)
}
