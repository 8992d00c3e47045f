use std::borrow::Borrow;
use std::fmt;
use std::str::FromStr;

use smol_str::SmolStr;

/// The longest id or name, in bytes of UTF-8.
pub const MAX_NAME_BYTES: usize = 255;

/// Event names with this prefix belong to asynx; commands may not use it.
pub const RESERVED_PREFIX: &str = "asynx.";

/// The name of the event that ends a life of an aggregate.
pub const TOMBSTONE: &str = "asynx.forgotten";

/// Why a text is no valid id or name. Nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidName {
    /// The text has no characters.
    #[error("{what} is empty, it must have 1 to {MAX_NAME_BYTES} bytes")]
    Empty {
        /// Which kind of name: "aggregate id", "event name" or "category".
        what: &'static str,
    },
    /// The text is longer than [`MAX_NAME_BYTES`].
    #[error("{what} has {bytes} bytes, at most {MAX_NAME_BYTES} are allowed; it begins with {begin:?}")]
    TooLong {
        /// Which kind of name.
        what: &'static str,
        /// Its length.
        bytes: usize,
        /// Its first characters.
        begin: String,
    },
    /// The text holds U+0000, which databases cannot keep in a text column.
    #[error("{what} {name:?} has a NUL character at byte {at}, which is not allowed")]
    Nul {
        /// Which kind of name.
        what: &'static str,
        /// The text.
        name: String,
        /// Where the first NUL is.
        at: usize,
    },
    /// The event name begins with [`RESERVED_PREFIX`].
    #[error("event name {name:?} begins with {RESERVED_PREFIX:?}, which is reserved; choose another name")]
    Reserved {
        /// The text.
        name: String,
    },
}

fn check(what: &'static str, text: &str) -> Result<(), InvalidName> {
    if text.is_empty() {
        return Err(InvalidName::Empty { what });
    }
    if text.len() > MAX_NAME_BYTES {
        return Err(InvalidName::TooLong {
            what,
            bytes: text.len(),
            begin: text.chars().take(24).collect(),
        });
    }
    match text.bytes().position(|byte| byte == 0) {
        Some(at) => Err(InvalidName::Nul {
            what,
            name: text.to_owned(),
            at,
        }),
        None => Ok(()),
    }
}

macro_rules! name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(SmolStr);

        impl $name {
            /// The text.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(self.as_str(), f)
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.as_str() == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.as_str() == *other
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                Self::parse(text)
            }
        }
    };
}

name!(
    /// The id of one aggregate within its [`Category`]: 1 to 255 bytes of UTF-8 without NUL. Cheap to clone.
    AggregateId
);
name!(
    /// What happened: 1 to 255 bytes of UTF-8 without NUL, such as `OrderCreated` or `order.created.ORD-001`.
    EventName
);
name!(
    /// The kind of an aggregate ([`Aggregate::CATEGORY`](crate::Aggregate::CATEGORY)): 1 to 255 bytes of UTF-8
    /// without NUL. It keeps the ids of different aggregate types apart in one store.
    Category
);

impl AggregateId {
    /// Validates an aggregate id.
    ///
    /// # Errors
    /// [`InvalidName`] when the text is empty, over 255 bytes, or holds NUL.
    pub fn parse(text: impl AsRef<str>) -> Result<Self, InvalidName> {
        let text = text.as_ref();
        check("aggregate id", text)?;
        Ok(Self(text.into()))
    }
}

impl Category {
    /// Validates a category.
    ///
    /// # Errors
    /// [`InvalidName`] when the text is empty, over 255 bytes, or holds NUL.
    pub fn parse(text: impl AsRef<str>) -> Result<Self, InvalidName> {
        let text = text.as_ref();
        check("category", text)?;
        Ok(Self(text.into()))
    }
}

impl EventName {
    /// Validates an event name that a command asks for.
    ///
    /// # Errors
    /// [`InvalidName`] when the text is empty, over 255 bytes, holds NUL, or begins with [`RESERVED_PREFIX`].
    pub fn parse(text: impl AsRef<str>) -> Result<Self, InvalidName> {
        let text = text.as_ref();
        if text.starts_with(RESERVED_PREFIX) {
            return Err(InvalidName::Reserved { name: text.to_owned() });
        }
        Self::parse_stored(text)
    }

    /// Validates an event name that comes out of a store, where asynx's own names are allowed.
    ///
    /// # Errors
    /// [`InvalidName`] when the text is empty, over 255 bytes, or holds NUL.
    pub fn parse_stored(text: impl AsRef<str>) -> Result<Self, InvalidName> {
        let text = text.as_ref();
        check("event name", text)?;
        Ok(Self(text.into()))
    }

    /// The name of the event that ends a life of an aggregate.
    #[must_use]
    pub fn tombstone() -> Self {
        Self(SmolStr::new_static(TOMBSTONE))
    }

    /// Whether this is the event that ends a life of an aggregate.
    #[must_use]
    pub fn is_tombstone(&self) -> bool {
        self.as_str() == TOMBSTONE
    }
}

/// The stream of one aggregate: its category and its id. The unit of ordering, of conflicts and of erasure.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId {
    /// The kind of the aggregate.
    pub category: Category,
    /// The aggregate within its kind.
    pub aggregate_id: AggregateId,
}

impl StreamId {
    /// Validates both halves.
    ///
    /// # Errors
    /// [`InvalidName`] when one of them is empty, over 255 bytes, or holds NUL.
    pub fn parse(category: &str, aggregate_id: &str) -> Result<Self, InvalidName> {
        Ok(Self {
            category: Category::parse(category)?,
            aggregate_id: AggregateId::parse(aggregate_id)?,
        })
    }
}

impl fmt::Display for StreamId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.category, self.aggregate_id)
    }
}
