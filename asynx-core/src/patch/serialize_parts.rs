//! The containers of the [`Serializer`](super::serialize::State): arrays and objects under way.

use serde::ser::{self, Serialize};

use super::StateErrorKind;
use super::difference::decode;
use super::scan::Scanner;
use super::serialize::{Refusal, State};
use super::text;
use super::writer::{KeyCheck, duplicate_key};

type Result<T> = std::result::Result<T, Refusal>;

/// An array under way.
pub(crate) struct Elements<'w> {
    state: &'w mut State,
    node: usize,
    /// The object of the variant whose payload this is.
    outer: Option<usize>,
}

impl<'w> Elements<'w> {
    pub(crate) fn new(state: &'w mut State, node: usize, outer: Option<usize>) -> Self {
        Self { state, node, outer }
    }

    #[inline]
    fn element<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        self.state.writer.separate();
        self.state.inner(value)
    }

    #[inline]
    fn close(self) -> Result<()> {
        let writer = &mut self.state.writer;
        writer.close(self.node, b']');
        if let Some(outer) = self.outer {
            writer.close(outer, b'}');
        }
        Ok(())
    }
}

macro_rules! elements {
    ($($part:ident $method:ident),*) => {$(
        impl ser::$part for Elements<'_> {
            type Ok = ();
            type Error = Refusal;

            #[inline]
            fn $method<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
                self.element(value)
            }

            #[inline]
            fn end(self) -> Result<()> {
                self.close()
            }
        }
    )*};
}

elements!(
    SerializeSeq serialize_element,
    SerializeTuple serialize_element,
    SerializeTupleStruct serialize_field,
    SerializeTupleVariant serialize_field
);

/// An object under way; or a struct that is not one, but stands for the JSON text in its only field.
pub(crate) struct Members<'w> {
    state: &'w mut State,
    node: usize,
    outer: Option<usize>,
    keys: KeyCheck,
    expects: Expects,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Expects {
    Key,
    Value,
    Raw,
    Nothing,
}

impl<'w> Members<'w> {
    #[inline]
    pub(crate) fn new(state: &'w mut State, node: usize, outer: Option<usize>) -> Self {
        Self {
            state,
            node,
            outer,
            keys: KeyCheck::default(),
            expects: Expects::Key,
        }
    }

    pub(crate) fn raw(state: &'w mut State) -> Self {
        Self {
            state,
            node: 0,
            outer: None,
            keys: KeyCheck::default(),
            expects: Expects::Raw,
        }
    }

    #[inline]
    fn field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<()> {
        if self.expects != Expects::Key {
            return self.raw_field(value);
        }
        self.keys.note(key.as_bytes());
        let writer = &mut self.state.writer;
        writer.separate();
        text::write_string(&mut writer.text, key);
        writer.text.push(b':');
        self.state.inner(value)
    }

    #[cold]
    fn raw_field<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        if self.expects != Expects::Raw {
            return Err(self.misuse("a raw value has one field"));
        }
        self.expects = Expects::Nothing;
        // the text arrives as a string; a tape of its own undoes the escaping
        let raw = State::new(Default::default())
            .write(value)
            .map_err(|error| Refusal::new(error.kind().clone()))?;
        let raw = Scanner::new(&raw.text).and_then(|mut scanner| {
            if scanner.peek()? == b'"' {
                scanner.string()
            } else {
                Err(scanner.error("expected a string"))
            }
        });
        match raw {
            Ok(raw) => self.state.raw(&raw),
            Err(error) => Err(Refusal::new(StateErrorKind::InvalidJson(error))),
        }
    }

    #[cold]
    fn misuse(&mut self, message: &str) -> Refusal {
        self.state.failed = true;
        Refusal::new(StateErrorKind::Custom(message.to_owned()))
    }

    #[inline]
    fn close(mut self) -> Result<()> {
        match self.expects {
            Expects::Key => {}
            Expects::Nothing => return Ok(()),
            Expects::Value => return Err(self.misuse("a key without a value")),
            Expects::Raw => return Err(self.misuse("a raw value without its field")),
        }
        if self.keys.suspicious {
            self.check_keys()?;
        }
        let writer = &mut self.state.writer;
        writer.close(self.node, b'}');
        if let Some(outer) = self.outer {
            writer.close(outer, b'}');
        }
        Ok(())
    }

    #[cold]
    fn check_keys(&mut self) -> Result<()> {
        let writer = &self.state.writer;
        if self.state.failed {
            return Err(self.misuse("a failed value was passed over"));
        }
        if writer.is_too_large() {
            return Err(Refusal::new(StateErrorKind::TooLarge));
        }
        let Some(key) = duplicate_key(writer.view(), self.node) else {
            return Ok(());
        };
        let key = decode(key);
        self.state.failed = true;
        Err(Refusal::at_key(StateErrorKind::DuplicateKey, key))
    }
}

impl ser::SerializeMap for Members<'_> {
    type Ok = ();
    type Error = Refusal;

    fn serialize_key<T: Serialize + ?Sized>(&mut self, key: &T) -> Result<()> {
        if self.expects != Expects::Key {
            return Err(self.misuse("a key without a value"));
        }
        self.state.writer.separate();
        let start = self.state.writer.text.len();
        self.state.key(key)?;
        let text = &mut self.state.writer.text;
        self.keys.note(&text[start + 1..text.len() - 1]);
        text.push(b':');
        self.expects = Expects::Value;
        Ok(())
    }

    fn serialize_value<T: Serialize + ?Sized>(&mut self, value: &T) -> Result<()> {
        if self.expects != Expects::Value {
            return Err(self.misuse("a value without a key"));
        }
        self.expects = Expects::Key;
        self.state.inner(value)
    }

    fn end(self) -> Result<()> {
        self.close()
    }
}

macro_rules! members {
    ($($part:ident),*) => {$(
        impl ser::$part for Members<'_> {
            type Ok = ();
            type Error = Refusal;

            #[inline]
            fn serialize_field<T: Serialize + ?Sized>(&mut self, key: &'static str, value: &T) -> Result<()> {
                self.field(key, value)
            }

            #[inline]
            fn end(self) -> Result<()> {
                self.close()
            }
        }
    )*};
}

members!(SerializeStruct, SerializeStructVariant);
