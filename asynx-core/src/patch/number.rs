use std::fmt;
use std::hash::{Hash, Hasher};
use std::str::FromStr;

use super::ParseError;
use super::scan::Scanner;

/// A JSON number, kept as the text it was written with.
///
/// Two numbers are equal if their texts are: `1.0` and `1` are different numbers.
#[derive(Clone)]
pub struct Number(Repr);

const SHORT: usize = 22;

#[derive(Clone)]
enum Repr {
    Short { length: u8, digits: [u8; SHORT] },
    Long(Box<str>),
}

impl Number {
    /// Reads a number in JSON's grammar.
    ///
    /// # Errors
    ///
    /// If `text` is anything else.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        let mut scanner = Scanner::new(text.as_bytes())?;
        let number = scanner.number()?;
        if number.len() < text.len() {
            return Err(scanner.error("trailing characters"));
        }
        Ok(Self::from_valid(number))
    }

    /// `text` follows the grammar already.
    #[inline]
    pub(crate) fn from_valid(text: &str) -> Self {
        let mut digits = [0; SHORT];
        match digits.get_mut(..text.len()) {
            Some(place) => {
                place.copy_from_slice(text.as_bytes());
                Self(Repr::Short {
                    length: text.len() as u8,
                    digits,
                })
            }
            None => Self(Repr::Long(text.into())),
        }
    }

    /// The text of the number.
    pub fn as_str(&self) -> &str {
        match &self.0 {
            Repr::Short { length, digits } => std::str::from_utf8(&digits[..usize::from(*length)]).unwrap_or_default(),
            Repr::Long(text) => text,
        }
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        match &self.0 {
            Repr::Short { length, digits } => &digits[..usize::from(*length)],
            Repr::Long(text) => text.as_bytes(),
        }
    }

    /// The number as an `i64`, if its text is one.
    pub fn as_i64(&self) -> Option<i64> {
        self.as_str().parse().ok()
    }

    /// The number as a `u64`, if its text is one.
    pub fn as_u64(&self) -> Option<u64> {
        self.as_str().parse().ok()
    }

    /// The nearest `f64`, if there is a finite one.
    pub fn as_f64(&self) -> Option<f64> {
        self.as_str().parse().ok().filter(|float: &f64| float.is_finite())
    }
}

impl fmt::Debug for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Number {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Number {
    type Err = ParseError;

    fn from_str(text: &str) -> Result<Self, ParseError> {
        Self::parse(text)
    }
}

impl PartialEq for Number {
    fn eq(&self, other: &Self) -> bool {
        self.as_bytes() == other.as_bytes()
    }
}

impl Eq for Number {}

impl Hash for Number {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.as_bytes().hash(state);
    }
}

macro_rules! from_integer {
    ($($integer:ty)*) => {$(
        impl From<$integer> for Number {
            fn from(value: $integer) -> Self {
                Self::from_valid(itoa::Buffer::new().format(value))
            }
        }
    )*};
}

from_integer!(i8 i16 i32 i64 i128 isize u8 u16 u32 u64 u128 usize);

macro_rules! from_float {
    ($($float:ty)*) => {$(
        impl TryFrom<$float> for Number {
            type Error = NonFinite;

            fn try_from(value: $float) -> Result<Self, NonFinite> {
                if !value.is_finite() {
                    return Err(NonFinite);
                }
                Ok(Self::from_valid(zmij::Buffer::new().format_finite(value)))
            }
        }
    )*};
}

from_float!(f32 f64);

/// A float that JSON cannot carry: infinite, or not a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NonFinite;

impl fmt::Display for NonFinite {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("non-finite float")
    }
}

impl std::error::Error for NonFinite {}
