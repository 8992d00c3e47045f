use std::fmt::Write as _;

use asynx_core::{AggregateId, Category, StoreError, StreamId};

use crate::error::corrupt;

/// The subjects of a store, below its prefix.
///
/// | subject | holds |
/// |---|---|
/// | `PREFIX.anchor` | one message, so that no look at the stream finds nothing |
/// | `PREFIX.e.CATEGORY.ID` | the events of one aggregate, and marks between them |
/// | `PREFIX.f.CATEGORY.ID` | that a tombstone's erasure is still to be done |
/// | `PREFIX.r.BUCKET.CATEGORY.ID` | rows without payload of erased events, by the bucket of their sequence |
/// | `PREFIX.new.>` | not stored: the headers of what was just stored, for followers |
#[derive(Debug, Clone)]
pub(crate) struct Names {
    prefix: String,
}

/// How many sequences a bucket of erased rows spans: at most as many as one answer of the server gives.
pub(crate) const BUCKET: u64 = 1024;

impl Names {
    pub(crate) fn parse(prefix: &str) -> Result<Self, StoreError> {
        let fits = |token: &str| !token.is_empty() && token.bytes().all(is_plain);
        if prefix.len() > 64 || !prefix.split('.').all(fits) {
            return Err(StoreError::permanent(format!(
                "the subject prefix {prefix:?} is not valid: at most 64 letters, digits, `-` and `_`, with dots between"
            )));
        }
        Ok(Self {
            prefix: prefix.to_owned(),
        })
    }

    /// What the stream takes in.
    pub(crate) fn subjects(&self) -> Vec<String> {
        let parts = ["anchor", "e.>", "f.>", "r.>"];
        parts.map(|part| format!("{}.{part}", self.prefix)).to_vec()
    }

    pub(crate) fn anchor(&self) -> String {
        format!("{}.anchor", self.prefix)
    }

    /// A subject on which nothing ever is.
    pub(crate) fn nothing(&self) -> String {
        format!("{}.nothing", self.prefix)
    }

    /// Everything that is stored.
    pub(crate) fn all(&self) -> String {
        format!("{}.>", self.prefix)
    }

    pub(crate) fn is_event(&self, subject: &str) -> bool {
        let rest = subject.strip_prefix(&self.prefix);
        rest.is_some_and(|rest| rest.starts_with(".e."))
    }

    pub(crate) fn all_events(&self) -> String {
        format!("{}.e.>", self.prefix)
    }

    pub(crate) fn news(&self) -> String {
        format!("{}.new.>", self.prefix)
    }

    pub(crate) fn events_of(&self, category: &Category) -> String {
        format!("{}.e.{}.*", self.prefix, token(category.as_str()))
    }

    pub(crate) fn events(&self, stream: &StreamId) -> String {
        format!("{}.e.{}", self.prefix, tokens(stream))
    }

    pub(crate) fn forgets_of(&self, category: &Category) -> String {
        format!("{}.f.{}.*", self.prefix, token(category.as_str()))
    }

    pub(crate) fn forget(&self, stream: &StreamId) -> String {
        format!("{}.f.{}", self.prefix, tokens(stream))
    }

    pub(crate) fn all_rows(&self) -> String {
        format!("{}.r.>", self.prefix)
    }

    pub(crate) fn rows_in(&self, bucket: u64) -> String {
        format!("{}.r.{bucket}.>", self.prefix)
    }

    pub(crate) fn rows_of(&self, stream: &StreamId) -> String {
        format!("{}.r.*.{}", self.prefix, tokens(stream))
    }

    pub(crate) fn rows(&self, bucket: u64, stream: &StreamId) -> String {
        format!("{}.r.{bucket}.{}", self.prefix, tokens(stream))
    }

    /// The stream that a subject is of: its last two tokens.
    pub(crate) fn stream_of(&self, subject: &str) -> Result<StreamId, StoreError> {
        let odd = || corrupt(format!("the subject {subject} is not of this store"));
        let mut tokens = subject.rsplit('.');
        let (id, category) = (tokens.next().ok_or_else(odd)?, tokens.next().ok_or_else(odd)?);
        let plain = |token: &str| text(token).ok_or_else(odd);
        Ok(StreamId {
            category: Category::parse(plain(category)?).map_err(|_| odd())?,
            aggregate_id: AggregateId::parse(plain(id)?).map_err(|_| odd())?,
        })
    }
}

/// `CATEGORY.ID` as two tokens.
pub(crate) fn tokens(stream: &StreamId) -> String {
    format!(
        "{}.{}",
        token(stream.category.as_str()),
        token(stream.aggregate_id.as_str())
    )
}

/// One token of a subject that stands for any text: letters, digits, `-` and `_` stay, each other byte becomes `=` and
/// two hex digits. Different texts have different tokens, and what subjects, wildcards and keys of buckets forbid is never
/// in one.
pub(crate) fn token(text: &str) -> String {
    let mut token = String::with_capacity(text.len());
    for byte in text.bytes() {
        if is_plain(byte) {
            token.push(byte.into());
        } else {
            let _ = write!(token, "={byte:02X}");
        }
    }
    token
}

/// The text that a token stands for; `None` for what no text has as its token.
pub(crate) fn text(token: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(token.len());
    let mut rest = token.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'=' => {
                let digit = |byte: u8| char::from(byte).to_digit(16);
                let (high, low) = (digit(rest.next()?)?, digit(rest.next()?)?);
                u8::try_from(high * 16 + low).ok()?
            }
            plain if is_plain(plain) => plain,
            _ => return None,
        });
    }
    String::from_utf8(bytes).ok()
}

const fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_text_is_one_token_and_comes_back() {
        let every: String = ('\u{1}'..='\u{7f}').chain(['é', '\u{ffff}', '🦀']).collect();
        for original in ["a", "a.b", "*", ">", "a b", "=2E", "", &every, &"🦀".repeat(63)] {
            let token = token(original);
            assert!(token.bytes().all(|byte| is_plain(byte) || byte == b'='), "{token}");
            assert_eq!(text(&token).as_deref(), Some(original));
        }
        for odd in ["=", "=4", "=4x", "a.b", "=FF"] {
            assert_eq!(text(odd), None, "{odd}");
        }
    }

    #[test]
    fn a_stream_is_found_in_its_subjects() {
        let names = Names::parse("shop.asynx").unwrap();
        let stream = StreamId::parse("a.b", "*>\n").unwrap();
        for subject in [names.events(&stream), names.forget(&stream), names.rows(7, &stream)] {
            assert_eq!(names.stream_of(&subject).unwrap(), stream);
        }
        assert_eq!(names.events(&stream), "shop.asynx.e.a=2Eb.=2A=3E=0A");
    }

    #[test]
    fn a_prefix_with_wildcards_or_blanks_is_refused() {
        for prefix in ["", ".", "a.", "a..b", "a.*", ">", "a b", "ä", &"p".repeat(65)] {
            assert!(Names::parse(prefix).is_err(), "{prefix}");
        }
    }
}
