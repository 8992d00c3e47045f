use std::fmt::Write as _;

use asynx_core::AggregateId;

use crate::JetStreamBusError;

/// The subjects of a bus, below its prefix, for one category.
///
/// | subject | holds |
/// |---|---|
/// | `PREFIX.e.CATEGORY.ID` | the events of one aggregate |
/// | `PREFIX.a.CATEGORY.ID.NAME` | an event that one subscriber is given again |
/// | `PREFIX.p.CATEGORY.ID.NAME` | an event that one subscriber's handler failed at for good |
#[derive(Debug, Clone)]
pub(crate) struct Names {
    prefix: String,
    category: String,
}

impl Names {
    pub(crate) fn parse(prefix: &str, category: &str) -> Result<Self, JetStreamBusError> {
        let fits = |token: &str| !token.is_empty() && token.bytes().all(is_plain);
        if prefix.len() > 64 || !prefix.split('.').all(fits) {
            return Err(JetStreamBusError::new(format!(
                "the subject prefix {prefix:?} is not valid: at most 64 letters, digits, `-` and `_`, with dots between"
            )));
        }
        Ok(Self {
            prefix: prefix.to_owned(),
            category: token(category),
        })
    }

    /// What the stream of events takes in.
    pub(crate) fn subjects(&self) -> Vec<String> {
        ["e.>", "a.>"].map(|part| format!("{}.{part}", self.prefix)).to_vec()
    }

    /// What the stream of parked events takes in.
    pub(crate) fn parked_subjects(&self) -> Vec<String> {
        vec![format!("{}.p.>", self.prefix)]
    }

    pub(crate) fn events(&self) -> String {
        format!("{}.e.{}.*", self.prefix, self.category)
    }

    pub(crate) fn events_of(&self, id: &AggregateId) -> String {
        format!("{}.e.{}.{}", self.prefix, self.category, token(id.as_str()))
    }

    pub(crate) fn again(&self, name: &str) -> String {
        format!("{}.a.{}.*.{}", self.prefix, self.category, token(name))
    }

    pub(crate) fn again_of(&self, id: &AggregateId, name: &str) -> String {
        let (id, name) = (token(id.as_str()), token(name));
        format!("{}.a.{}.{id}.{name}", self.prefix, self.category)
    }

    pub(crate) fn all_again_of(&self, id: &AggregateId) -> String {
        format!("{}.a.{}.{}.*", self.prefix, self.category, token(id.as_str()))
    }

    pub(crate) fn parked(&self, name: &str) -> String {
        format!("{}.p.{}.*.{}", self.prefix, self.category, token(name))
    }

    pub(crate) fn parked_of(&self, id: &AggregateId, name: &str) -> String {
        let (id, name) = (token(id.as_str()), token(name));
        format!("{}.p.{}.{id}.{name}", self.prefix, self.category)
    }

    pub(crate) fn all_parked_of(&self, id: &AggregateId) -> String {
        format!("{}.p.{}.{}.*", self.prefix, self.category, token(id.as_str()))
    }

    /// The durable consumer of a durable subscriber.
    pub(crate) fn consumer(&self, name: &str) -> String {
        format!("{}:{}", self.category, token(name))
    }
}

/// One token of a subject that stands for any text, as in the store's subjects: letters, digits, `-` and `_` stay, each
/// other byte becomes `=` and two hex digits.
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

/// The text that a token stands for.
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
            plain => plain,
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
    fn an_id_is_one_token_whatever_is_in_it() {
        let names = Names::parse("shop.bus", "or.der").unwrap();
        let id = AggregateId::parse("a.*> é").unwrap();
        assert_eq!(names.events_of(&id), "shop.bus.e.or=2Eder.a=2E=2A=3E=20=C3=A9");
        assert_eq!(
            names.parked_of(&id, "x.y"),
            "shop.bus.p.or=2Eder.a=2E=2A=3E=20=C3=A9.x=2Ey"
        );
        assert_eq!(names.consumer("send mail"), "or=2Eder:send=20mail");
    }

    #[test]
    fn a_prefix_with_wildcards_or_blanks_is_refused() {
        for prefix in ["", ".", "a.", "a..b", "a.*", ">", "a b", "ä", &"p".repeat(65)] {
            assert!(Names::parse(prefix, "order").is_err(), "{prefix}");
        }
    }
}
