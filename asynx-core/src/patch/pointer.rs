use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// A JSON Pointer (RFC 6901): the place of a value in a document, such as `/lines/0/price`.
///
/// The root is the empty pointer. In a token, `~0` stands for `~` and `~1` for `/`.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pointer(String);

impl Pointer {
    /// The pointer to the whole document.
    pub fn root() -> Self {
        Self::default()
    }

    /// Validates `text`.
    ///
    /// # Errors
    ///
    /// If `text` is neither empty nor begins with `/`, or a `~` is followed by anything but `0` and `1`.
    pub fn parse(text: impl Into<String>) -> Result<Self, InvalidPointer> {
        let text = text.into();
        if is_valid(&text) {
            Ok(Self(text))
        } else {
            Err(InvalidPointer(text))
        }
    }

    /// The pointer as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether this is the whole document.
    pub fn is_root(&self) -> bool {
        self.0.is_empty()
    }

    /// The tokens from the root on, unescaped.
    pub fn tokens(&self) -> Tokens<'_> {
        Tokens::new(&self.0)
    }

    /// The last token, unescaped; none at the root.
    pub fn last(&self) -> Option<Cow<'_, str>> {
        self.0.rfind('/').map(|slash| unescape(&self.0[slash + 1..]))
    }

    /// The pointer to what holds this; none at the root.
    pub fn parent(&self) -> Option<Self> {
        self.0.rfind('/').map(|slash| Self(self.0[..slash].to_owned()))
    }

    /// Goes one step down, to the member or index `token` (not escaped).
    pub fn push(&mut self, token: &str) {
        self.0.push('/');
        for part in token.chars() {
            match part {
                '~' => self.0.push_str("~0"),
                '/' => self.0.push_str("~1"),
                _ => self.0.push(part),
            }
        }
    }

    /// The pointer one step further down, to the member `token` (not escaped).
    #[must_use]
    pub fn child(&self, token: &str) -> Self {
        let mut child = self.clone();
        child.push(token);
        child
    }

    /// The pointer one step further down, to an element of an array.
    #[must_use]
    pub fn element(&self, index: usize) -> Self {
        self.child(itoa::Buffer::new().format(index))
    }

    /// Whether this is `prefix` or lies inside of it.
    pub fn starts_with(&self, prefix: &Pointer) -> bool {
        self.strip_prefix(prefix).is_some()
    }

    /// This pointer as seen from `prefix`, if it is `prefix` or lies inside of it.
    pub fn strip_prefix(&self, prefix: &Pointer) -> Option<Pointer> {
        let rest = self.0.strip_prefix(prefix.as_str())?;
        is_valid(rest).then(|| Self(rest.to_owned()))
    }

    /// The pointer that begins with this and goes on with `rest`.
    #[must_use]
    pub fn join(&self, rest: &Pointer) -> Pointer {
        Self(format!("{}{}", self.0, rest.0))
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for Pointer {
    type Err = InvalidPointer;

    fn from_str(text: &str) -> Result<Self, InvalidPointer> {
        Self::parse(text)
    }
}

/// A text that is no JSON Pointer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidPointer(String);

impl fmt::Display for InvalidPointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is no JSON pointer", self.0)
    }
}

impl std::error::Error for InvalidPointer {}

/// The tokens of a [`Pointer`], unescaped.
#[derive(Clone, Debug)]
pub struct Tokens<'a>(std::str::Split<'a, char>);

impl<'a> Tokens<'a> {
    /// `text` is valid.
    pub(crate) fn new(text: &'a str) -> Self {
        let mut parts = text.split('/');
        parts.next();
        Self(parts)
    }
}

impl<'a> Iterator for Tokens<'a> {
    type Item = Cow<'a, str>;

    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(unescape)
    }
}

pub(crate) fn is_valid(text: &str) -> bool {
    let bytes = text.as_bytes();
    let escapes_are_valid = || {
        bytes
            .iter()
            .enumerate()
            .all(|(at, &byte)| byte != b'~' || matches!(bytes.get(at + 1), Some(b'0' | b'1')))
    };
    bytes.is_empty() || (bytes[0] == b'/' && escapes_are_valid())
}

#[inline]
pub(crate) fn unescape(token: &str) -> Cow<'_, str> {
    if token.as_bytes().contains(&b'~') {
        Cow::Owned(token.replace("~1", "/").replace("~0", "~"))
    } else {
        Cow::Borrowed(token)
    }
}

/// A token as an array index: digits without leading zeros.
#[inline]
pub(crate) fn index(token: &str) -> Option<usize> {
    match token.as_bytes() {
        [b'0'] => Some(0),
        [b'1'..=b'9', rest @ ..] if rest.iter().all(u8::is_ascii_digit) => token.parse().ok(),
        _ => None,
    }
}
