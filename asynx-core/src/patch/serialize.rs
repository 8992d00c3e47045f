//! Our own serde `Serializer`: it writes text and nodes at once, and refuses what could not be read back.

use std::fmt::{self, Write as _};

use serde::ser::{self, Serialize};

use super::scan::Scanner;
use super::serialize_key::Key;
use super::serialize_parts::{Elements, Members};
use super::writer::Writer;
use super::{Pointer, StateError, StateErrorKind, text};

/// How many newtypes and options may lie around each other on the way down; they do not show in the text.
const MAX_WRAPPERS: usize = 512;

/// The names under which `serde_json` hands over JSON text as a struct.
const RAW_VALUE: &str = "$serde_json::private::RawValue";
const NUMBER: &str = "$serde_json::private::Number";

/// A serialisation under way.
pub(crate) struct State {
    pub(crate) writer: Writer,
    wrappers: usize,
    /// A value has failed. What was written is not JSON, and whoever swallows the error shall not succeed.
    pub(crate) failed: bool,
}

/// Why a value cannot be written. The path is found at the end, from the containers that are still open.
#[derive(Debug)]
pub(crate) struct Refusal(Box<(StateErrorKind, Option<String>)>);

impl Refusal {
    #[cold]
    pub(crate) fn new(kind: StateErrorKind) -> Self {
        Self(Box::new((kind, None)))
    }

    #[cold]
    pub(crate) fn at_key(kind: StateErrorKind, key: String) -> Self {
        Self(Box::new((kind, Some(key))))
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        StateError::new(Pointer::root(), self.0.0.clone()).fmt(f)
    }
}

impl std::error::Error for Refusal {}

impl ser::Error for Refusal {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Self::new(StateErrorKind::Custom(message.to_string()))
    }
}

type Result<T> = std::result::Result<T, Refusal>;

impl State {
    pub(crate) fn new(writer: Writer) -> Self {
        Self {
            writer,
            wrappers: 0,
            failed: false,
        }
    }

    pub(crate) fn write<T: Serialize + ?Sized>(mut self, value: &T) -> std::result::Result<Writer, StateError> {
        let refusal = match value.serialize(&mut self) {
            Ok(()) if self.failed => Refusal::new(StateErrorKind::Custom("a failed value was passed over".to_owned())),
            Ok(()) if self.writer.is_too_large() => Refusal::new(StateErrorKind::TooLarge),
            Ok(()) => return Ok(self.writer),
            Err(refusal) => refusal,
        };
        let (kind, key) = *refusal.0;
        let mut path = self.writer.path();
        if let Some(key) = key {
            path.push(&key);
        }
        Err(StateError::new(path, kind))
    }

    /// Writes a value inside of another.
    #[inline]
    pub(crate) fn inner<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        let written = value.serialize(&mut *self);
        self.failed |= written.is_err();
        written
    }

    /// Writes the JSON in `raw`, without its white space.
    pub(crate) fn raw(&mut self, raw: &str) -> Result<()> {
        let written = Scanner::new(raw.as_bytes()).and_then(|mut scanner| {
            self.writer.scan(&mut scanner)?;
            scanner.finish()
        });
        written.map_err(|error| {
            self.failed = true;
            Refusal::new(if error.is_depth() {
                StateErrorKind::TooDeep
            } else {
                StateErrorKind::InvalidJson(error)
            })
        })
    }

    #[inline]
    fn open(&mut self, bracket: u8) -> Result<usize> {
        if self.writer.is_too_deep() {
            return Err(Refusal::new(StateErrorKind::TooDeep));
        }
        Ok(self.writer.open(bracket))
    }

    /// Opens the object around the payload of a variant.
    fn open_variant(&mut self, variant: &'static str) -> Result<usize> {
        let node = self.open(b'{')?;
        text::write_string(&mut self.writer.text, variant);
        self.writer.text.push(b':');
        Ok(node)
    }

    #[inline]
    fn integer<I: itoa::Integer>(&mut self, value: I) {
        self.writer.raw_scalar(itoa::Buffer::new().format(value).as_bytes());
    }

    #[inline]
    fn float<F: zmij::Float>(&mut self, value: F, is_finite: bool) -> Result<()> {
        if !is_finite {
            return Err(Refusal::new(StateErrorKind::NonFinite));
        }
        self.writer
            .raw_scalar(zmij::Buffer::new().format_finite(value).as_bytes());
        Ok(())
    }

    #[inline]
    fn wrapped<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        if self.wrappers >= MAX_WRAPPERS {
            return Err(Refusal::new(StateErrorKind::TooDeep));
        }
        self.wrappers += 1;
        let written = value.serialize(&mut *self);
        self.wrappers -= 1;
        written
    }
}

macro_rules! integers {
    ($($method:ident $integer:ty),*) => {$(
        #[inline]
        fn $method(self, value: $integer) -> Result<()> {
            self.integer(value);
            Ok(())
        }
    )*};
}

impl<'w> ser::Serializer for &'w mut State {
    type Ok = ();
    type Error = Refusal;
    type SerializeSeq = Elements<'w>;
    type SerializeTuple = Elements<'w>;
    type SerializeTupleStruct = Elements<'w>;
    type SerializeTupleVariant = Elements<'w>;
    type SerializeMap = Members<'w>;
    type SerializeStruct = Members<'w>;
    type SerializeStructVariant = Members<'w>;

    integers!(
        serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64, serialize_i128 i128,
        serialize_u8 u8, serialize_u16 u16, serialize_u32 u32, serialize_u64 u64, serialize_u128 u128
    );

    #[inline]
    fn serialize_bool(self, value: bool) -> Result<()> {
        self.writer.raw_scalar(if value { b"true" } else { b"false" });
        Ok(())
    }

    #[inline]
    fn serialize_f32(self, value: f32) -> Result<()> {
        self.float(value, value.is_finite())
    }

    #[inline]
    fn serialize_f64(self, value: f64) -> Result<()> {
        self.float(value, value.is_finite())
    }

    fn serialize_char(self, value: char) -> Result<()> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<()> {
        self.writer.string(value);
        Ok(())
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<()> {
        let start = self.writer.text.len();
        self.writer.text.push(b'"');
        let written = write!(Escaped(&mut self.writer.text), "{value}");
        self.writer.text.push(b'"');
        self.writer.scalar(start);
        written.map_err(ser::Error::custom)
    }

    fn serialize_bytes(self, value: &[u8]) -> Result<()> {
        let node = self.open(b'[')?;
        for &byte in value {
            self.writer.separate();
            self.integer(byte);
        }
        self.writer.close(node, b']');
        Ok(())
    }

    #[inline]
    fn serialize_none(self) -> Result<()> {
        self.serialize_unit()
    }

    #[inline]
    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<()> {
        self.wrapped(value)
    }

    #[inline]
    fn serialize_unit(self) -> Result<()> {
        self.writer.raw_scalar(b"null");
        Ok(())
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<()> {
        self.serialize_unit()
    }

    #[inline]
    fn serialize_unit_variant(self, _name: &'static str, _index: u32, variant: &'static str) -> Result<()> {
        self.serialize_str(variant)
    }

    #[inline]
    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _name: &'static str, value: &T) -> Result<()> {
        self.wrapped(value)
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        value: &T,
    ) -> Result<()> {
        let node = self.open_variant(variant)?;
        value.serialize(&mut *self)?;
        self.writer.close(node, b'}');
        Ok(())
    }

    #[inline]
    fn serialize_seq(self, _length: Option<usize>) -> Result<Elements<'w>> {
        let node = self.open(b'[')?;
        Ok(Elements::new(self, node, None))
    }

    fn serialize_tuple(self, length: usize) -> Result<Elements<'w>> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_struct(self, _name: &'static str, length: usize) -> Result<Elements<'w>> {
        self.serialize_seq(Some(length))
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Elements<'w>> {
        let outer = self.open_variant(variant)?;
        let node = self.open(b'[')?;
        Ok(Elements::new(self, node, Some(outer)))
    }

    #[inline]
    fn serialize_map(self, _length: Option<usize>) -> Result<Members<'w>> {
        let node = self.open(b'{')?;
        Ok(Members::new(self, node, None))
    }

    #[inline]
    fn serialize_struct(self, name: &'static str, _length: usize) -> Result<Members<'w>> {
        if name.len() >= NUMBER.len() && (name == RAW_VALUE || name == NUMBER) {
            return Ok(Members::raw(self));
        }
        let node = self.open(b'{')?;
        Ok(Members::new(self, node, None))
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        variant: &'static str,
        _length: usize,
    ) -> Result<Members<'w>> {
        let outer = self.open_variant(variant)?;
        let node = self.open(b'{')?;
        Ok(Members::new(self, node, Some(outer)))
    }
}

/// Escapes what is written into it.
pub(crate) struct Escaped<'w>(pub(crate) &'w mut Vec<u8>);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, part: &str) -> fmt::Result {
        text::write_escaped(self.0, part);
        Ok(())
    }
}

impl State {
    /// Writes the key of a map.
    pub(crate) fn key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        let written = key.serialize(Key(self));
        self.failed |= written.is_err();
        written
    }
}
