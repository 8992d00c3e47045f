//! The one reader of JSON text: trees, tapes and patches are built on it.

use std::borrow::Cow;

use super::{MAX_DEPTH, ParseError};

type Result<T> = std::result::Result<T, ParseError>;

/// A place in a JSON text.
pub(crate) struct Scanner<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scanner<'a> {
    /// Refuses what is not UTF-8.
    pub(crate) fn new(text: &'a [u8]) -> Result<Self> {
        match std::str::from_utf8(text) {
            Ok(text) => Ok(Self { text, at: 0 }),
            Err(error) => Err(ParseError::new(error.valid_up_to(), "invalid UTF-8")),
        }
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn rewind(&mut self, at: usize) {
        self.at = at;
    }

    pub(crate) fn error(&self, reason: &'static str) -> ParseError {
        ParseError::new(self.at, reason)
    }

    #[inline]
    fn byte(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// The next byte that is not white space, not consumed.
    #[inline]
    pub(crate) fn peek(&mut self) -> Result<u8> {
        loop {
            match self.byte() {
                Some(b' ' | b'\n' | b'\r' | b'\t') => self.at += 1,
                Some(byte) => return Ok(byte),
                None => return Err(self.error("unexpected end of input")),
            }
        }
    }

    /// Consumes `wanted` after white space, or nothing.
    #[inline]
    pub(crate) fn eat(&mut self, wanted: u8) -> Result<bool> {
        let found = self.peek()? == wanted;
        self.at += usize::from(found);
        Ok(found)
    }

    /// Consumes `wanted` after white space, or fails with `reason`.
    #[inline]
    pub(crate) fn expect(&mut self, wanted: u8, reason: &'static str) -> Result<()> {
        if self.eat(wanted)? {
            Ok(())
        } else {
            Err(self.error(reason))
        }
    }

    /// Succeeds if nothing but white space is left.
    pub(crate) fn finish(&mut self) -> Result<()> {
        match self.peek() {
            Ok(_) => Err(self.error("trailing characters")),
            Err(_) => Ok(()),
        }
    }

    /// After the opening bracket or a member: whether another one follows.
    #[inline]
    pub(crate) fn more(&mut self, close: u8, first: bool) -> Result<bool> {
        if self.eat(close)? {
            return Ok(false);
        }
        if !first {
            self.expect(b',', "expected a comma or the end of the container")?;
        }
        Ok(true)
    }

    /// The key of a member, and its colon.
    #[inline]
    pub(crate) fn key(&mut self) -> Result<Cow<'a, str>> {
        if self.peek()? != b'"' {
            return Err(self.error("expected a string as key"));
        }
        let key = self.string()?;
        self.expect(b':', "expected a colon")?;
        Ok(key)
    }

    /// The string that starts here, decoded.
    #[inline]
    pub(crate) fn string(&mut self) -> Result<Cow<'a, str>> {
        self.at += 1;
        let start = self.at;
        let rest = &self.text.as_bytes()[start..];
        match rest
            .iter()
            .position(|&byte| byte == b'"' || byte == b'\\' || byte < 0x20)
        {
            Some(length) if rest[length] == b'"' => {
                self.at = start + length + 1;
                Ok(Cow::Borrowed(&self.text[start..start + length]))
            }
            Some(length) => {
                self.at = start + length;
                self.string_with_escapes(start).map(Cow::Owned)
            }
            None => {
                self.at = self.text.len();
                Err(self.error("unexpected end of input"))
            }
        }
    }

    #[cold]
    fn string_with_escapes(&mut self, start: usize) -> Result<String> {
        let mut decoded = self.text[start..self.at].to_owned();
        let mut plain = self.at;
        loop {
            match self.byte() {
                None => return Err(self.error("unexpected end of input")),
                Some(b'"') => {
                    decoded.push_str(&self.text[plain..self.at]);
                    self.at += 1;
                    return Ok(decoded);
                }
                Some(b'\\') => {
                    decoded.push_str(&self.text[plain..self.at]);
                    self.at += 1;
                    decoded.push(self.escape()?);
                    plain = self.at;
                }
                Some(0..0x20) => return Err(self.error("control character in a string")),
                Some(_) => self.at += 1,
            }
        }
    }

    fn escape(&mut self) -> Result<char> {
        let decoded = match self.byte() {
            Some(b'"') => '"',
            Some(b'\\') => '\\',
            Some(b'/') => '/',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                return self.unicode_escape();
            }
            _ => return Err(self.error("invalid escape")),
        };
        self.at += 1;
        Ok(decoded)
    }

    fn unicode_escape(&mut self) -> Result<char> {
        let mut code = self.hex()?;
        if (0xd800..0xdc00).contains(&code) {
            if !self.text.as_bytes()[self.at..].starts_with(b"\\u") {
                return Err(self.error("lone surrogate in a string"));
            }
            self.at += 2;
            let low = self.hex()?;
            if !(0xdc00..0xe000).contains(&low) {
                return Err(self.error("lone surrogate in a string"));
            }
            code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
        }
        char::from_u32(code).ok_or_else(|| self.error("lone surrogate in a string"))
    }

    fn hex(&mut self) -> Result<u32> {
        let mut code = 0;
        for _ in 0..4 {
            let digit = self.byte().and_then(|byte| char::from(byte).to_digit(16));
            code = code * 16 + digit.ok_or_else(|| self.error("invalid escape"))?;
            self.at += 1;
        }
        Ok(code)
    }

    /// The number that starts here, as it is written.
    #[inline]
    pub(crate) fn number(&mut self) -> Result<&'a str> {
        let start = self.at;
        self.at += usize::from(self.byte() == Some(b'-'));
        if self.byte() == Some(b'0') {
            self.at += 1;
        } else {
            self.digits()?;
        }
        if self.byte() == Some(b'.') {
            self.at += 1;
            self.digits()?;
        }
        if let Some(b'e' | b'E') = self.byte() {
            self.at += 1;
            self.at += usize::from(matches!(self.byte(), Some(b'+' | b'-')));
            self.digits()?;
        }
        Ok(&self.text[start..self.at])
    }

    #[inline]
    fn digits(&mut self) -> Result<()> {
        let rest = &self.text.as_bytes()[self.at..];
        match rest
            .iter()
            .position(|byte| !byte.is_ascii_digit())
            .unwrap_or(rest.len())
        {
            0 => Err(self.error("expected a digit")),
            count => {
                self.at += count;
                Ok(())
            }
        }
    }

    /// Consumes `null`, `true` or `false`.
    #[inline]
    pub(crate) fn word(&mut self, word: &'static str) -> Result<()> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(self.error("expected a value"));
        }
        self.at += word.len();
        Ok(())
    }

    /// Passes over one value.
    pub(crate) fn skip(&mut self, depth: usize) -> Result<()> {
        match self.peek()? {
            b'"' => self.string().map(drop),
            open @ (b'[' | b'{') => {
                self.descend(depth)?;
                let mut first = true;
                while self.more(open + 2, first)? {
                    first = false;
                    if open == b'{' {
                        self.key()?;
                    }
                    self.skip(depth + 1)?;
                }
                Ok(())
            }
            b'n' => self.word("null"),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'-' | b'0'..=b'9' => self.number().map(drop),
            _ => Err(self.error("expected a value")),
        }
    }

    /// Consumes an opening bracket; `depth` containers are open already.
    #[inline]
    pub(crate) fn descend(&mut self, depth: usize) -> Result<()> {
        if depth >= MAX_DEPTH {
            return Err(self.error(ParseError::TOO_DEEP));
        }
        self.at += 1;
        Ok(())
    }
}
