use std::fmt;
use std::sync::Arc;

use asynx_core::patch::Json;
use asynx_core::{Aggregate, Command, NoUpcast, SchemaVersion, Upcast};

use super::life::Life;
use super::outcome::Outcome;
use super::run::run;
use super::upcast::{Written, read};
use super::{Commands, commands};

/// What is given: one aggregate in some state. [`when`](Self::when) runs a command on it.
#[must_use = "a scenario checks nothing until a command runs"]
pub struct Scenario<A> {
    given: Given<A>,
    upcast: Arc<dyn Upcast>,
}

enum Given<A> {
    Life(Life<A>),
    /// Not folded before the upcaster is known.
    Events(Vec<Written>),
}

impl<A: Aggregate> Scenario<A> {
    fn new(given: Given<A>) -> Self {
        Self {
            given,
            upcast: Arc::new(NoUpcast),
        }
    }

    /// The aggregate never existed, or was forgotten.
    pub fn given_nothing() -> Self {
        Self::new(Given::Life(Life::default()))
    }

    /// The aggregate is in this state, as it reads from the store.
    ///
    /// # Panics
    /// When the state cannot be stored.
    #[track_caller]
    pub fn given_state(state: A) -> Self {
        Self::new(Given::Life(or_panic(Life::begun_by(&state))))
    }

    /// These commands have succeeded: `[one, two]` of one type, `(one, two)` of several.
    ///
    /// # Panics
    /// When one is rejected or does not keep its [duties](super).
    #[track_caller]
    pub fn given(commands: impl Commands<A>) -> Self {
        let life = commands::run_all(Life::default(), commands);
        Self::new(Given::Life(or_panic(life)))
    }

    /// These events are stored, written with the first schema: each a name and a patch, as `json!` or as JSON text.
    ///
    /// ```
    /// # #[derive(Clone, serde::Serialize, serde::Deserialize)]
    /// # struct Order { id: String }
    /// # impl asynx_core::Aggregate for Order { const CATEGORY: &'static str = "order"; }
    /// # use asynx_testkit::scenario::Scenario;
    /// # let _ =
    /// Scenario::<Order>::given_events([("OrderCreated", r#"[{"op":"add","path":"","value":{"id":"ORD-1"}}]"#)])
    /// # ;
    /// ```
    ///
    /// # Panics
    /// On what is no event name or no patch.
    #[track_caller]
    pub fn given_events<N: AsRef<str>, P: Into<Json>>(events: impl IntoIterator<Item = (N, P)>) -> Self {
        let events = events
            .into_iter()
            .map(|(name, patch)| or_panic(Written::new(name.as_ref(), SchemaVersion::FIRST, patch.into())));
        Self::new(Given::Events(events.collect()))
    }

    /// Brings the [given events](Self::given_events) to the current schema, as on every way out of a store.
    pub fn upcast(mut self, upcast: impl Upcast) -> Self {
        self.upcast = Arc::new(upcast);
        self
    }

    /// These commands have succeeded as well.
    ///
    /// # Panics
    /// As [`given`](Self::given).
    #[track_caller]
    pub fn and(self, commands: impl Commands<A>) -> Self {
        let life = commands::run_all(self.life(), commands);
        Self::new(Given::Life(or_panic(life)))
    }

    /// Runs the command.
    ///
    /// # Panics
    /// When the command does not keep its [duties](super), or the given events do not fold to a state.
    #[must_use = "nothing is checked without a `then_...`"]
    #[track_caller]
    pub fn when<C: Command<A>>(self, command: C) -> Outcome<A, C::Rejection> {
        Outcome::of(self.life(), &command)
    }

    /// Runs the commands one after the other and asserts something about the state after each; those that are
    /// rejected change nothing. All of them are for one aggregate. Made for sequences of arbitrary commands.
    ///
    /// # Panics
    /// When a command does not keep its [duties](super).
    #[track_caller]
    pub fn then_always<C: Command<A>>(self, commands: impl IntoIterator<Item = C>, mut invariant: impl FnMut(&A)) {
        let mut life = self.life();
        for command in commands {
            let ran = or_panic(run(life, &command));
            life = match ran.answer {
                Ok(happened) => happened.after,
                Err(_) => ran.before,
            };
            if let Some(state) = &life.state {
                invariant(state);
            }
        }
    }

    /// The given state must be so.
    ///
    /// # Panics
    /// When there is none.
    #[track_caller]
    pub fn then_state(self, check: impl FnOnce(&A)) {
        match self.life().state {
            Some(state) => check(&state),
            None => panic!("there is no state"),
        }
    }

    #[track_caller]
    fn life(self) -> Life<A> {
        match self.given {
            Given::Life(life) => life,
            Given::Events(events) => {
                let document = read(&*self.upcast, &events).map(|mut read| read.pop().unwrap_or_default());
                or_panic(document.and_then(|document| Life::default().followed_by(document)))
            }
        }
    }
}

#[track_caller]
pub(super) fn or_panic<T>(result: Result<T, String>) -> T {
    match result {
        Ok(value) => value,
        Err(message) => panic!("{message}"),
    }
}

impl<A> fmt::Debug for Scenario<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Scenario").finish_non_exhaustive()
    }
}
