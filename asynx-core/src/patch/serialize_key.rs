//! Keys of maps: strings, and what `serde_json` writes and reads as strings.

use std::fmt::{self, Write as _};

use serde::ser::{self, Impossible, Serialize};

use super::serialize::{Escaped, Refusal, State};
use super::{StateErrorKind, text};

type Result<T> = std::result::Result<T, Refusal>;

/// Writes one key with its quotes. What it writes is no value and gets no node.
pub(crate) struct Key<'w>(pub(crate) &'w mut State);

impl Key<'_> {
    /// `plain` needs no escaping.
    fn plain(self, plain: &str) -> Result<()> {
        let text = &mut self.0.writer.text;
        text.push(b'"');
        text.extend_from_slice(plain.as_bytes());
        text.push(b'"');
        Ok(())
    }

    fn float<F: zmij::Float>(self, value: F, is_finite: bool) -> Result<()> {
        if !is_finite {
            return Err(Refusal::new(StateErrorKind::NonFinite));
        }
        self.plain(zmij::Buffer::new().format_finite(value))
    }
}

fn invalid<T>() -> Result<T> {
    Err(Refusal::new(StateErrorKind::InvalidKey))
}

macro_rules! integers {
    ($($method:ident $integer:ty),*) => {$(
        fn $method(self, value: $integer) -> Result<()> {
            self.plain(itoa::Buffer::new().format(value))
        }
    )*};
}

impl ser::Serializer for Key<'_> {
    type Ok = ();
    type Error = Refusal;
    type SerializeSeq = Impossible<(), Refusal>;
    type SerializeTuple = Impossible<(), Refusal>;
    type SerializeTupleStruct = Impossible<(), Refusal>;
    type SerializeTupleVariant = Impossible<(), Refusal>;
    type SerializeMap = Impossible<(), Refusal>;
    type SerializeStruct = Impossible<(), Refusal>;
    type SerializeStructVariant = Impossible<(), Refusal>;

    integers!(
        serialize_i8 i8, serialize_i16 i16, serialize_i32 i32, serialize_i64 i64, serialize_i128 i128,
        serialize_u8 u8, serialize_u16 u16, serialize_u32 u32, serialize_u64 u64, serialize_u128 u128
    );

    fn serialize_bool(self, value: bool) -> Result<()> {
        self.plain(if value { "true" } else { "false" })
    }

    fn serialize_f32(self, value: f32) -> Result<()> {
        self.float(value, value.is_finite())
    }

    fn serialize_f64(self, value: f64) -> Result<()> {
        self.float(value, value.is_finite())
    }

    fn serialize_char(self, value: char) -> Result<()> {
        self.serialize_str(value.encode_utf8(&mut [0; 4]))
    }

    #[inline]
    fn serialize_str(self, value: &str) -> Result<()> {
        text::write_string(&mut self.0.writer.text, value);
        Ok(())
    }

    fn collect_str<T: fmt::Display + ?Sized>(self, value: &T) -> Result<()> {
        let text = &mut self.0.writer.text;
        text.push(b'"');
        write!(Escaped(text), "{value}").map_err(ser::Error::custom)?;
        text.push(b'"');
        Ok(())
    }

    fn serialize_unit_variant(self, _name: &'static str, _index: u32, variant: &'static str) -> Result<()> {
        self.serialize_str(variant)
    }

    fn serialize_some<T: Serialize + ?Sized>(self, value: &T) -> Result<()> {
        value.serialize(self)
    }

    fn serialize_newtype_struct<T: Serialize + ?Sized>(self, _name: &'static str, value: &T) -> Result<()> {
        value.serialize(self)
    }

    fn serialize_bytes(self, _value: &[u8]) -> Result<()> {
        invalid()
    }

    fn serialize_none(self) -> Result<()> {
        invalid()
    }

    fn serialize_unit(self) -> Result<()> {
        invalid()
    }

    fn serialize_unit_struct(self, _name: &'static str) -> Result<()> {
        invalid()
    }

    fn serialize_newtype_variant<T: Serialize + ?Sized>(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _value: &T,
    ) -> Result<()> {
        invalid()
    }

    fn serialize_seq(self, _length: Option<usize>) -> Result<Self::SerializeSeq> {
        invalid()
    }

    fn serialize_tuple(self, _length: usize) -> Result<Self::SerializeTuple> {
        invalid()
    }

    fn serialize_tuple_struct(self, _name: &'static str, _length: usize) -> Result<Self::SerializeTupleStruct> {
        invalid()
    }

    fn serialize_tuple_variant(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _length: usize,
    ) -> Result<Self::SerializeTupleVariant> {
        invalid()
    }

    fn serialize_map(self, _length: Option<usize>) -> Result<Self::SerializeMap> {
        invalid()
    }

    fn serialize_struct(self, _name: &'static str, _length: usize) -> Result<Self::SerializeStruct> {
        invalid()
    }

    fn serialize_struct_variant(
        self,
        _name: &'static str,
        _index: u32,
        _variant: &'static str,
        _length: usize,
    ) -> Result<Self::SerializeStructVariant> {
        invalid()
    }
}
