use anyhow::{Context as _, Result};
use asynx_core::{EventId, Position, Version};

use crate::bank::Payment;

/// A payment, and whether it carries its token as idempotency key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Call {
    pub(super) payment: Payment,
    pub(super) keyed: bool,
}

/// What was stored, by an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stored {
    pub(super) version: Version,
    pub(super) event_id: EventId,
    pub(super) balance: i64,
    pub(super) position: Option<Position>,
}

/// What a client says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Word {
    /// Takes calls from now on.
    Ready,
    /// Is about to make a call.
    Sent(Call),
    /// The call of a token was answered.
    Answered(String, Answer),
    /// Of so many appends the store could not tell what became.
    Doubts(u64),
    /// Something to print.
    Note(String),
}

/// The answer to a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    Stored(Stored),
    /// By the domain.
    Rejected,
    /// For another reason; nothing was stored.
    Failed,
    /// Nobody knows whether it is stored.
    Unknown,
}

impl Stored {
    /// Whether that is what was answered. A store without a log answers no positions.
    pub(super) fn is(&self, there: &Self) -> bool {
        let position = self.position.or(there.position);
        Self { position, ..*self } == *there
    }
}

impl Call {
    pub(super) fn tell(&self) -> String {
        let Payment { account, token, amount } = &self.payment;
        format!("{token} {account} {amount} {}", self.keyed)
    }

    pub(super) fn told(words: &str) -> Result<Self> {
        let understood = || -> Option<Self> {
            let mut words = words.split(' ');
            let (token, account) = (words.next()?.to_owned(), words.next()?.to_owned());
            let (amount, keyed) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
            let payment = Payment { account, token, amount };
            Some(Self { payment, keyed })
        };
        understood().with_context(|| format!("`{words}` is no call"))
    }
}

impl Word {
    pub(super) fn tell(&self) -> String {
        match self {
            Self::Ready => "ready".to_owned(),
            Self::Sent(call) => format!("sent {}", call.tell()),
            Self::Answered(token, answer) => format!("{} {token}{}", answer.name(), answer.more()),
            Self::Doubts(count) => format!("doubts {count}"),
            Self::Note(text) => format!("note {text}"),
        }
    }

    pub(super) fn told(line: &str) -> Result<Self> {
        let (what, rest) = line.split_once(' ').unwrap_or((line, ""));
        let answered = |answer| Ok(Self::Answered(rest.to_owned(), answer));
        match what {
            "ready" => Ok(Self::Ready),
            "sent" => Call::told(rest).map(Self::Sent),
            "doubts" => Ok(Self::Doubts(rest.parse()?)),
            "note" => Ok(Self::Note(rest.to_owned())),
            "rejected" => answered(Answer::Rejected),
            "failed" => answered(Answer::Failed),
            "unknown" => answered(Answer::Unknown),
            "stored" => stored(rest).with_context(|| format!("`{line}` is not understood")),
            _ => anyhow::bail!("`{line}` is not understood"),
        }
    }
}

impl Answer {
    const fn name(self) -> &'static str {
        match self {
            Self::Stored(_) => "stored",
            Self::Rejected => "rejected",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }

    fn more(self) -> String {
        let Self::Stored(stored) = self else {
            return String::new();
        };
        let Stored {
            version,
            event_id,
            balance,
            position,
        } = stored;
        let position = position.map_or_else(|| "-".to_owned(), |position| position.to_string());
        format!(" {version} {event_id} {balance} {position}")
    }
}

fn stored(words: &str) -> Option<Word> {
    let mut words = words.split(' ');
    let token = words.next()?.to_owned();
    let stored = Stored {
        version: Version::new(words.next()?.parse().ok()?)?,
        event_id: EventId::from_uuid(words.next()?.parse().ok()?),
        balance: words.next()?.parse().ok()?,
        position: words.next()?.parse().ok(),
    };
    Some(Word::Answered(token, Answer::Stored(stored)))
}

#[cfg(test)]
mod tests {
    use asynx_testkit::ThreadRuntime;

    use super::*;

    #[test]
    fn words_come_back_as_they_were() {
        let payment = Payment {
            account: "shared-1".to_owned(),
            token: "r0-p1-3".to_owned(),
            amount: -7,
        };
        let stored = Stored {
            version: Version::FIRST,
            event_id: EventId::generate(&ThreadRuntime),
            balance: -3,
            position: Some(Position::new([0, 7, 1])),
        };
        let without = Stored {
            position: None,
            ..stored
        };
        let answers = [
            Answer::Stored(stored),
            Answer::Stored(without),
            Answer::Rejected,
            Answer::Failed,
            Answer::Unknown,
        ];
        let answered = answers.map(|answer| Word::Answered("r0-p1-3".to_owned(), answer));
        let others = [
            Word::Ready,
            Word::Doubts(3),
            Word::Sent(Call { payment, keyed: true }),
            Word::Note("a b".to_owned()),
        ];
        for word in answered.into_iter().chain(others) {
            assert_eq!(Word::told(&word.tell()).unwrap(), word);
        }
        assert!(Word::told("stored x").is_err());
        assert!(Word::told("sent x y").is_err());
    }
}
