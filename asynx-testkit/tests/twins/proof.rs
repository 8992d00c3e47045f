//! How the laws are held against what is broken.

use std::collections::BTreeSet;
use std::fmt::Debug;

use asynx_testkit::conformance::{Check, Law, LawBroken};

/// The ways to be broken, and a test of each. `broken_laws` beside them tells which laws find one, `is_found_by` whether
/// one check does.
macro_rules! mutations {
    ($($(#[$doc:meta])* $name:ident: $test:ident breaks $law:ident $(and $other:ident)*;)*) => {
        /// One thing that is wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(super) enum Mutation {
            /// Nothing is wrong.
            None,
            $($(#[$doc])* $name,)*
        }

        pub(super) const MUTATIONS: &[(Mutation, &str)] = &[$((Mutation::$name, stringify!($law))),*];

        $(#[test]
        fn $test() {
            let mutation = Mutation::$name;
            let found = super::broken_laws(mutation);
            let alone = |check: &str| super::is_found_by(mutation, check);
            crate::proof::is_broken(mutation, found, alone, stringify!($law), &[$(stringify!($other)),*]);
        })*
    };
}

pub(crate) use mutations;

/// The law finds it broken and says all that is needed; no law does that has nothing to do with it, at least not when
/// the machine is busy with its check alone.
pub(crate) fn is_broken(
    mutation: impl Debug,
    found: Vec<LawBroken>,
    alone: impl Fn(&str) -> bool,
    law: &str,
    others: &[&str],
) {
    let told: Vec<String> = found.iter().map(ToString::to_string).collect();
    let mine = found.iter().find(|broken| broken.law.number == law);
    let mine = mine.unwrap_or_else(|| panic!("{law} does not find {mutation:?}; found: {told:#?}"));
    let message = mine.to_string();
    for part in [law, mine.law.statement, &format!("twin of {mutation:?}"), &mine.seen] {
        assert!(message.contains(part), "{message:?} does not name {part:?}");
    }
    let innocent = |broken: &&LawBroken| broken.law.number != law && !others.contains(&broken.law.number);
    let wrong = found.iter().filter(innocent).filter(|broken| alone(broken.check));
    let wrong: Vec<String> = wrong.map(ToString::to_string).collect();
    assert!(
        wrong.is_empty(),
        "{mutation:?} is found by laws that it does not break: {wrong:#?}"
    );
}

/// The check of this name.
pub(crate) fn named<'a, T>(checks: &'a [Check<T>], name: &str) -> &'a Check<T> {
    let check = checks.iter().find(|check| check.name == name);
    check.expect("a law that was found broken has this check")
}

/// Every law that the docs of the traits number has a check, which is named after it, and a twin; and no other has.
pub(crate) fn every_law_is_proven<T, M>(docs: &[&str], laws: &[Law], checks: &[Check<T>], mutations: &[(M, &str)]) {
    let lines = docs.iter().flat_map(|text| text.lines());
    let written = lines.filter_map(|line| line.strip_prefix("/// - **")?.split_once("**"));
    let written: BTreeSet<&str> = written.map(|(number, _)| number).collect();
    let laws: BTreeSet<&str> = laws.iter().map(|law| law.number).collect();
    assert_eq!(laws, written);
    assert_eq!(laws, checks.iter().map(|check| check.law.number).collect());
    assert_eq!(laws, mutations.iter().map(|(_, law)| *law).collect());
    for check in checks {
        let number = check.law.number.to_lowercase();
        assert!(check.name.starts_with(&format!("{number}_")), "{}", check.name);
    }
}
