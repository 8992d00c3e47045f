use std::fmt;
use std::str::FromStr;

use regex::Regex;

use crate::EventName;

/// Which event names a subscription wants: a regular expression that must match the **whole** name.
///
/// `Order.*` matches `OrderCreated` and does not match `PreOrderCreated`. The syntax is that of the `regex` crate. For
/// names of the dotted form, [`topic`] builds patterns from wildcards.
#[derive(Clone)]
pub struct Pattern {
    text: String,
    regex: Regex,
}

/// Why a text is no [`Pattern`].
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum InvalidPattern {
    /// The pattern has no characters.
    #[error("the pattern is empty; use \".*\" for all events")]
    Empty,
    /// The pattern is no regular expression.
    #[error("the pattern {pattern:?} is no regular expression{hint}: {reason}")]
    Syntax {
        /// The text.
        pattern: String,
        /// What may have been meant.
        hint: String,
        /// What the parser said.
        reason: String,
    },
}

impl Pattern {
    /// Compiles a regular expression.
    ///
    /// # Errors
    /// [`InvalidPattern`] when the text is empty or no regular expression.
    pub fn parse(pattern: &str) -> Result<Self, InvalidPattern> {
        if pattern.is_empty() {
            return Err(InvalidPattern::Empty);
        }
        // Compiled alone first: within the group, "a)|(b" would be taken for something else.
        let compiled = Regex::new(pattern).and_then(|_| Regex::new(&format!("^(?s:{pattern})$")));
        match compiled {
            Ok(regex) => Ok(Self {
                text: pattern.to_owned(),
                regex,
            }),
            Err(error) => Err(InvalidPattern::Syntax {
                pattern: pattern.to_owned(),
                hint: if pattern.starts_with('*') || pattern.contains(".*.") {
                    format!("; did you mean topic({pattern:?}) or \".*\"?")
                } else {
                    String::new()
                },
                reason: match error {
                    regex::Error::Syntax(text) => text.lines().last().unwrap_or_default().trim().to_owned(),
                    other => other.to_string(),
                },
            }),
        }
    }

    /// Whether an event of this name is wanted. Never true for the tombstone: forget handlers are for that.
    #[must_use]
    pub fn matches(&self, event_name: &EventName) -> bool {
        !event_name.is_tombstone() && self.regex.is_match(event_name.as_str())
    }

    /// The regular expression as it was given.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl FromStr for Pattern {
    type Err = InvalidPattern;

    fn from_str(text: &str) -> Result<Self, InvalidPattern> {
        Self::parse(text)
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Pattern({:?})", self.text)
    }
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

/// A pattern for names of the form `aggregate.action.id`: the first two dots split; a `*` that is a whole segment
/// stands for one segment, and at the end for all the rest (which may hold dots); everything else is literal.
///
/// ```
/// use asynx_core::bus::topic;
/// assert_eq!(topic("order.*.ORD-1"), r"order\.[^.]+\.ORD\-1");
/// assert_eq!(topic("order.created.*"), r"order\.created\..*");
/// assert_eq!(topic("*"), ".*");
/// ```
#[must_use]
pub fn topic(pattern: &str) -> String {
    let segments: Vec<&str> = pattern.splitn(3, '.').collect();
    let last = segments.len() - 1;
    let segments = segments.iter().enumerate().map(|(at, segment)| match *segment {
        "*" if at == last => ".*".to_owned(),
        "*" => "[^.]+".to_owned(),
        literal => regex::escape(literal),
    });
    segments.collect::<Vec<_>>().join(r"\.")
}
