//! The domain: small, but with every kind of answer.

use std::borrow::Cow;

use asynx_core::{Aggregate, Command};
use serde::{Deserialize, Serialize};

/// What a run is about. Within one life no two versions have the same state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Ledger {
    /// How many events its life has had.
    pub(crate) count: u64,
    pub(crate) total: i64,
    pub(crate) closed: bool,
    pub(crate) entries: Vec<Entry>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) op: u64,
    pub(crate) amount: i64,
}

impl Aggregate for Ledger {
    const CATEGORY: &'static str = "ledger";
}

/// Why the domain refuses, and by which state.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why:?} at {count:?}")]
pub(crate) struct Refusal {
    pub(crate) why: Why,
    pub(crate) count: Option<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Why {
    Missing,
    Exists,
    Closed,
    NotClosed,
    TooMuch,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Only where none lives.
    Create,
    /// Only what exists, is open, and stays within 0 to 40.
    Add(i64),
    /// Whatever there is.
    Note,
    /// Only once.
    Close,
    /// Only what is closed.
    Reopen,
    /// Panics in `validate`.
    PanicValidate,
    /// Panics in `emit` when the count is odd.
    PanicEmit,
}

/// One thing that a client wants done, under a number of its own.
#[derive(Debug, Clone)]
pub(crate) struct Op {
    pub(crate) op: u64,
    pub(crate) ledger: String,
    pub(crate) kind: Kind,
    pub(crate) snapshot: bool,
}

/// What a command comes to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Next(Ledger),
    Refused(Refusal),
    Panics,
}

/// The most entries that a ledger keeps.
const ENTRIES: usize = 5;

impl Op {
    pub(crate) fn name(&self) -> &'static str {
        match self.kind {
            Kind::Create => "ledger.created",
            Kind::Add(_) => "ledger.added",
            Kind::Note => "ledger.noted",
            Kind::Close => "ledger.closed",
            Kind::Reopen => "ledger.reopened",
            Kind::PanicValidate | Kind::PanicEmit => "ledger.panicked",
        }
    }

    /// What the laws expect of it; the command itself is made of the same parts.
    pub(crate) fn verdict(&self, current: Option<&Ledger>) -> Verdict {
        if self.panics(current) {
            return Verdict::Panics;
        }
        match self.check(current) {
            Err(refusal) => Verdict::Refused(refusal),
            Ok(()) => Verdict::Next(self.next(current)),
        }
    }

    fn panics(&self, current: Option<&Ledger>) -> bool {
        match self.kind {
            Kind::PanicValidate => true,
            Kind::PanicEmit => current.is_some_and(|ledger| ledger.count % 2 == 1),
            _ => false,
        }
    }

    fn check(&self, current: Option<&Ledger>) -> Result<(), Refusal> {
        let why = match (self.kind, current) {
            (Kind::Create, Some(_)) => Why::Exists,
            (Kind::Add(_) | Kind::Close | Kind::Reopen, None) => Why::Missing,
            (Kind::Add(_) | Kind::Close, Some(ledger)) if ledger.closed => Why::Closed,
            (Kind::Reopen, Some(ledger)) if !ledger.closed => Why::NotClosed,
            (Kind::Add(amount), Some(ledger)) if !(0..=40).contains(&(ledger.total + amount)) => Why::TooMuch,
            _ => return Ok(()),
        };
        let count = current.map(|ledger| ledger.count);
        Err(Refusal { why, count })
    }

    fn next(&self, current: Option<&Ledger>) -> Ledger {
        let mut next = current.cloned().unwrap_or(Ledger {
            count: 0,
            total: 0,
            closed: false,
            entries: Vec::new(),
        });
        next.count += 1;
        let amount = match self.kind {
            Kind::Add(amount) => amount,
            _ => 0,
        };
        next.total += amount;
        match self.kind {
            Kind::Close => next.closed = true,
            Kind::Reopen => next.closed = false,
            _ => {}
        }
        if next.entries.len() == ENTRIES {
            next.entries.remove(0);
        }
        next.entries.push(Entry { op: self.op, amount });
        next
    }
}

impl Command<Ledger> for Op {
    type Rejection = Refusal;

    fn aggregate_id(&self) -> Cow<'_, str> {
        (&self.ledger).into()
    }

    fn event_name(&self) -> Cow<'_, str> {
        self.name().into()
    }

    fn validate(&self, current: Option<&Ledger>) -> Result<(), Refusal> {
        assert!(self.kind != Kind::PanicValidate, "on purpose");
        self.check(current)
    }

    fn emit(&self, current: Option<&Ledger>) -> Ledger {
        assert!(!self.panics(current), "on purpose");
        self.next(current)
    }

    fn should_snapshot(&self) -> bool {
        self.snapshot
    }
}
