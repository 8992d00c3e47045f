use asynx_core::{Aggregate, Command};

use super::life::Life;
use super::run::run;

/// Commands that must succeed one after the other: an array or a [`Vec`] of one type, or a tuple of several.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no list of commands for the aggregate `{A}`",
    note = "give `[command]` or `[one, two]` of one type, or `(one, two)` of several"
)]
pub trait Commands<A: Aggregate>: sealed::Sealed<A> {}

mod sealed {
    pub trait Sealed<A> {
        #[doc(hidden)]
        fn run_all(self, life: super::Before<A>) -> Result<super::Before<A>, String>;
    }
}

/// Keeps the type of the state private.
#[derive(Debug)]
pub struct Before<A>(pub(super) Life<A>);

fn succeed<A: Aggregate, C: Command<A>>(before: Before<A>, command: &C) -> Result<Before<A>, String> {
    let ran = run(before.0, command)?;
    match ran.answer {
        Ok(happened) => Ok(Before(happened.after)),
        Err(rejection) => Err(format!("the given {} was rejected: {rejection}", ran.name)),
    }
}

/// Runs them all.
pub(super) fn run_all<A: Aggregate>(life: Life<A>, commands: impl Commands<A>) -> Result<Life<A>, String> {
    commands.run_all(Before(life)).map(|after| after.0)
}

impl<A: Aggregate, C: Command<A>, const N: usize> sealed::Sealed<A> for [C; N] {
    fn run_all(self, life: Before<A>) -> Result<Before<A>, String> {
        self.iter().try_fold(life, succeed)
    }
}

impl<A: Aggregate, C: Command<A>, const N: usize> Commands<A> for [C; N] {}

impl<A: Aggregate, C: Command<A>> sealed::Sealed<A> for Vec<C> {
    fn run_all(self, life: Before<A>) -> Result<Before<A>, String> {
        self.iter().try_fold(life, succeed)
    }
}

impl<A: Aggregate, C: Command<A>> Commands<A> for Vec<C> {}

macro_rules! tuples {
    ($(($($command:ident)+))+) => {
        $(#[expect(non_snake_case, reason = "named after their types")]
        impl<A: Aggregate, $($command: Command<A>),+> sealed::Sealed<A> for ($($command,)+) {
            fn run_all(self, life: Before<A>) -> Result<Before<A>, String> {
                let ($($command,)+) = self;
                $(let life = succeed(life, &$command)?;)+
                Ok(life)
            }
        }

        impl<A: Aggregate, $($command: Command<A>),+> Commands<A> for ($($command,)+) {})+
    };
}

tuples! {
    (C1)
    (C1 C2)
    (C1 C2 C3)
    (C1 C2 C3 C4)
    (C1 C2 C3 C4 C5)
    (C1 C2 C3 C4 C5 C6)
    (C1 C2 C3 C4 C5 C6 C7)
    (C1 C2 C3 C4 C5 C6 C7 C8)
}
