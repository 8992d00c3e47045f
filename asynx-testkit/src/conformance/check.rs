use std::sync::Arc;
use std::time::Duration;

use asynx_core::Runtime;
use futures::future::{self, BoxFuture, Either};

use super::audit::Audit;
use super::witness::Witness;
use super::{Law, LawBroken};

/// What a check ends with.
pub(super) type Kept<T = ()> = Result<T, LawBroken>;

/// One check of one law. `T` is the trial of a store, a bus or a runtime.
pub struct Check<T> {
    /// Its name: the law's number and what is checked, such as `s1_taken_versions_conflict`.
    pub name: &'static str,
    /// The law.
    pub law: Law,
    pub(super) needs_another: bool,
    pub(super) try_it: for<'a> fn(&'a mut T) -> BoxFuture<'a, Kept>,
}

impl<T> Check<T> {
    pub(super) fn witness(&self, fixture: String, audit: Option<Arc<Audit>>) -> Witness {
        Witness {
            law: self.law,
            check: self.name,
            fixture,
            audit,
        }
    }
}

/// What is kept within the patience; else `late` tells.
pub(super) async fn in_time(
    kept: impl Future<Output = Kept>,
    runtime: &dyn Runtime,
    patience: Duration,
    late: impl FnOnce(String) -> LawBroken,
) -> Kept {
    let kept = std::pin::pin!(kept);
    match future::select(kept, runtime.sleep(patience)).await {
        Either::Left((kept, _)) => kept,
        Either::Right(_) => Err(late(format!("no end after {patience:?}"))),
    }
}

/// The check of this name.
pub(super) fn named<T>(checks: &'static [Check<T>], name: &str) -> &'static Check<T> {
    let check = checks.iter().find(|known| known.name == name);
    check.expect("the macro and the checks are made from one list")
}

pub(super) fn assert(kept: Kept) {
    if let Err(broken) = kept {
        panic!("{broken}");
    }
}

/// Makes the table of a list of checks, in the module beside those of the checks and their laws.
macro_rules! table {
    (() $($law:ident $module:ident::$name:ident $($another:ident)?;)*) => {
        /// Every check, in the order of the laws.
        pub const CHECKS: &[Check<Trial>] = &[$(Check {
            name: stringify!($name),
            law: super::law::$law,
            needs_another: !matches!(stringify!($($another)?).as_bytes(), []),
            try_it: |trial| Box::pin(super::$module::$name(trial)),
        }),*];
    };
}

pub(super) use table;

/// Makes the tests of a list of checks.
#[doc(hidden)]
#[macro_export]
macro_rules! __tests {
    (($assert:path, $fixture:expr) $($law:ident $module:ident::$name:ident $($another:ident)?;)*) => {
        $(#[test]
        fn $name() {
            $assert(&$fixture, stringify!($name));
        })*
    };
}
