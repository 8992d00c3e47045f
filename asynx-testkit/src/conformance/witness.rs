use std::fmt::{Debug, Display};
use std::panic::Location;
use std::sync::Arc;

use super::audit::{Audit, Site};
use super::check::Kept;
use super::{Law, LawBroken};

/// Tells what a check saw.
///
/// All that asserts is `#[track_caller]`, through every helper, so that [`LawBroken::at`] tells the line of the check and
/// the kit's own tests can prove that each assertion is needed.
#[derive(Clone)]
pub struct Witness {
    pub(super) law: Law,
    pub(super) check: &'static str,
    pub(super) fixture: String,
    pub(super) audit: Option<Arc<Audit>>,
}

impl Witness {
    /// The law is broken.
    #[must_use]
    #[track_caller]
    pub fn broken(&self, seen: impl Into<String>) -> LawBroken {
        let site = Location::caller();
        self.note(site, false);
        self.seen(site, seen)
    }

    #[track_caller]
    pub(super) fn ensure(&self, kept: bool, seen: impl Into<String>) -> Kept {
        let site = Location::caller();
        self.needless(site, if kept { Ok(()) } else { Err(self.seen(site, seen)) })
    }

    #[track_caller]
    pub(super) fn equal<T: PartialEq + Debug>(&self, what: impl Display, found: T, expected: T) -> Kept {
        let site = Location::caller();
        let kept = match found == expected {
            true => Ok(()),
            false => Err(self.seen(site, format!("{what}: found {found:?}, expected {expected:?}"))),
        };
        self.needless(site, kept)
    }

    /// An assertion that is made of others.
    #[track_caller]
    pub(super) fn asserts(&self, parts: impl Future<Output = Kept>) -> impl Future<Output = Kept> {
        let site = Location::caller();
        async move { self.needless(site, parts.await) }
    }

    /// As [`asserts`](Self::asserts), for what does not wait.
    #[track_caller]
    pub(super) fn asserted(&self, parts: Kept) -> Kept {
        self.needless(Location::caller(), parts)
    }

    /// A question with assertions about its answer.
    #[track_caller]
    pub(super) fn asks<T>(&self, parts: impl Future<Output = Kept<T>>) -> impl Future<Output = Kept<T>> {
        let site = Location::caller();
        async move { self.needed(site, parts.await) }
    }

    /// As [`asks`](Self::asks), for what does not wait.
    #[track_caller]
    pub(super) fn asked<T>(&self, parts: Kept<T>) -> Kept<T> {
        self.needed(Location::caller(), parts)
    }

    fn seen(&self, site: Site, seen: impl Into<String>) -> LawBroken {
        LawBroken {
            law: self.law,
            check: self.check,
            fixture: self.fixture.clone(),
            seen: seen.into(),
            at: vec![site],
        }
    }

    /// What the check could go on without.
    fn needless(&self, site: Site, kept: Kept) -> Kept {
        self.note(site, true);
        match &self.audit {
            Some(audit) if audit.waives(site) => Ok(()),
            _ => kept.map_err(|broken| broken.passing(site)),
        }
    }

    /// What the check goes on with.
    fn needed<T>(&self, site: Site, kept: Kept<T>) -> Kept<T> {
        self.note(site, false);
        kept.map_err(|broken| broken.passing(site))
    }

    fn note(&self, site: Site, can_be_waived: bool) {
        if let Some(audit) = &self.audit {
            audit.note(site, can_be_waived);
        }
    }
}
