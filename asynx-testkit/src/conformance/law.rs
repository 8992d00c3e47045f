use std::fmt;
use std::panic::Location;

/// One numbered law of the trait docs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Law {
    /// Its number, such as "S1".
    pub number: &'static str,
    /// What it demands, in short.
    pub statement: &'static str,
}

/// A store, a bus or a runtime does not keep a law.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LawBroken {
    /// Which law.
    pub law: Law,
    /// Which check found it.
    pub check: &'static str,
    /// The fixture of what broke it.
    pub fixture: String,
    /// What was seen instead.
    pub seen: String,
    /// Where in the kit that was asserted, from the innermost assertion to the line of the check.
    pub at: Vec<&'static Location<'static>>,
}

impl LawBroken {
    /// On its way out through another assertion.
    pub(super) fn passing(mut self, site: &'static Location<'static>) -> Self {
        if self.at.last() != Some(&site) {
            self.at.push(site);
        }
        self
    }
}

impl fmt::Display for LawBroken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            law,
            check,
            fixture,
            seen,
            at: _,
        } = self;
        write!(
            f,
            "{fixture} breaks law {} ({})\n  seen by {check}: {seen}",
            law.number, law.statement
        )
    }
}

impl std::error::Error for LawBroken {}

/// An error with its causes, for [`LawBroken::seen`]. Many an error's text holds that of its cause already.
pub(super) fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let told = error.to_string();
        if !text.ends_with(&told) {
            text = format!("{text}: {told}");
        }
        cause = error.source();
    }
    text
}

macro_rules! laws {
    ($($number:ident: $statement:literal,)*) => {
        $(pub(super) const $number: Law = Law { number: stringify!($number), statement: $statement };)*

        /// Every law that the checks are about.
        pub const LAWS: &[Law] = &[$($number),*];
    };
}

pub(super) use laws;

laws! {
    S1: "of all appends to one stream and version at most one succeeds; at or below the head the answer is a conflict and nothing is stored",
    S2: "an append that succeeded is durable, and visible to every read that begins after its answer",
    S3: "appends at the heads of different streams do not hinder each other's success",
    S4: "\"not applied\" is answered only when the event is not stored and never will be",
    S5: "an event id that its stream already has is refused as a duplicate, and of its group nothing is stored",
    S6: "the stored events of a group are a prefix; groups do not affect each other; outcomes are as many as groups, in their order",
    S7: "reads give the appended bytes in version order without gaps; an unknown stream is empty",
    S8: "reads and counts begin at their version and end at their count",
    S9: "what is stored does not change with a caller's buffer",
    S10: "a call whose future is dropped happened wholly or not at all, and hinders no later call",
    S11: "streams are told apart byte by byte; ids, names and bytes at their limits come back as given",
    S12: "a deleted stream reads as unknown, others are untouched, deleting nothing succeeds",
    S13: "heads are answered in order, as new as the call, and the look-up is not older than the head",
    S14: "loads are answered in order, within their limits, above the floor, and say where they cut",
    N1: "a snapshot is not replaced by one of a lower version; refusing is success",
    N2: "the newest snapshot of the very schema is given, with the bytes that were put",
    N3: "after a delete no snapshot through its version is given, nor taken any more",
    N4: "snapshots of different streams do not affect each other",
    E1: "a tombstone atomically moves the floor and leaves a pending erasure",
    E2: "until the erasure the old life can be read, and is not loaded",
    E3: "after an erasure no payload through its version can be read by any method, and nothing above it is touched",
    E4: "an erasure keeps the head's version and floor",
    E5: "where rows are kept, the log gives erased events without records, and their ids are found and refused",
    E6: "where everything is erased, the log gives the tombstone without its record",
    L1: "the order of the log is total and stable",
    L2: "a reader that goes on from any position it was given sees every later event exactly once",
    L3: "events of one stream come in version order",
    L4: "an answered append is given after a bounded time, unless an older write is under way, and not later than that ends",
    L5: "a rolled-back or refused append is not given and holds no reader back",
    L6: "pages obey their limits and filters, and advance",
    L7: "the position that an append answered is the one that the log gives",
    W1: "while a lease is held, a second one for the same category is refused",
    W2: "a dropped lease is free again after a bounded time",
    W3: "a lease says that it is lost before another can be given",
    C1: "the checkpoint that was put last is given as it was put, with the newest fence; an unknown reader has none",
    C2: "each claim answers a fence one above the newest that the reader ever had, and the position as it was",
    C3: "puts and removes with another fence than the newest are refused and change nothing",
    C4: "a put with the newest fence is kept, also where its position is lower or none",
    C5: "a removed reader is unknown until it is claimed again, and its fence goes on from the last one",
    C6: "readers are told apart byte by byte and do not affect each other",
    G1: "a held lease is given to nobody else, and of calls at once to one at most",
    G2: "a lease is free once its time has passed and once it was released",
    G3: "each lease has a token that none of its name ever had; other tokens renew and release nothing",
    G4: "a renewal keeps a lease for its time from then on; one whose time has passed is not renewed",
    G5: "held leases are given by the prefix of their names, byte by byte, in order",
    P1: "what was parked is given until it is removed; the same position again replaces it",
    P2: "parked events are given for their reader, in order, after a position, within their limit",
    P3: "a parked event is removed alone, and the answer tells whether it was there",
    T1: "what a transaction wrote is there wholly after its commit, and not at all when it was dropped",
    T2: "a reader is moved by its newest owner from where it is, and nothing comes between a move and its commit",
    T3: "a commit that was not answered happened wholly or not at all, and the checkpoint tells which",
}

#[cfg(test)]
mod tests {
    use asynx_core::StoreError;
    use asynx_core::store::AppendError;

    use super::*;

    #[test]
    fn a_broken_law_is_told_with_every_cause_once() {
        let cause = std::io::Error::other("no space left");
        let error = AppendError::NotApplied(StoreError::permanent("order/1 cannot be written").caused_by(cause));
        let broken = LawBroken {
            law: S1,
            check: "s1_of_this_test",
            fixture: "Files".to_owned(),
            seen: with_causes(&error),
            at: Vec::new(),
        };
        let expected = format!(
            "Files breaks law S1 ({})\n  seen by s1_of_this_test: \
             not applied: order/1 cannot be written: no space left",
            S1.statement
        );
        assert_eq!(broken.to_string(), expected);
    }
}
