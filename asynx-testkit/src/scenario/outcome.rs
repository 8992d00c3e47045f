use std::fmt;

use asynx_core::patch::{Json, Tape};
use asynx_core::{Aggregate, Command};

use super::life::Life;
use super::run::{Happened, Ran, alike, run};
use super::start::or_panic;
use super::text;
use super::upcast::parse_patch;

/// How a command ended. Every `then_...` panics when it is otherwise.
///
/// States are those read back from the patched document, as another process would see them.
pub struct Outcome<A, R> {
    ran: Ran<A, R>,
}

impl<A: Aggregate, R: std::error::Error> Outcome<A, R> {
    #[track_caller]
    pub(super) fn of<C: Command<A, Rejection = R>>(before: Life<A>, command: &C) -> Self {
        let ran = or_panic(run(before, command));
        Self { ran }
    }

    /// The command was accepted, as this event.
    #[track_caller]
    pub fn then_event(self, name: &str) -> Self {
        self.happened();
        if self.ran.name.as_str() != name {
            self.fails(&format!("the event is {:?}, expected {name:?}", self.ran.name.as_str()));
        }
        self
    }

    /// The change is this patch, as `json!` or as JSON text. The order of operations counts, that of members does not.
    #[track_caller]
    pub fn then_patch(self, patch: impl Into<Json>) -> Self {
        let expected = or_panic(parse_patch(patch.into()));
        let actual = &self.happened().patch;
        if *actual != expected {
            let (expected, actual) = (text::operations(&expected), text::operations(actual));
            self.fails(&format!(
                "the patch is another\n{}",
                text::difference(&expected, &actual)
            ));
        }
        self
    }

    /// The command was accepted and changed nothing.
    #[track_caller]
    pub fn then_no_change(self) -> Self {
        self.then_patch(Json::Array(Vec::new()))
    }

    /// The new state is as `check` asserts.
    #[track_caller]
    pub fn then_state(self, check: impl FnOnce(&A)) -> Self {
        check(self.state());
        self
    }

    /// The new state serialises as this one does. Members of the document that the type does not know do not count.
    #[track_caller]
    pub fn then_state_eq(self, expected: A) -> Self {
        match (Tape::of(&expected), Tape::of(self.state())) {
            (Ok(expected), Ok(actual)) if alike::<A>(&actual, &expected) => self,
            (Ok(expected), Ok(actual)) => self.is_another(&expected.to_json(), &actual.to_json()),
            (Err(error), _) | (_, Err(error)) => self.fails(&format!("the state cannot be stored: {error}")),
        }
    }

    /// The stored events fold to this document, given as `json!`. Numbers are the same if they are written alike.
    #[track_caller]
    pub fn then_document(self, expected: impl Into<Json>) -> Self {
        let (expected, actual) = (expected.into(), self.happened().after.document.as_json());
        match actual {
            Some(actual) if *actual == expected => self,
            actual => self.is_another(&expected, actual.unwrap_or(&Json::Null)),
        }
    }

    /// The new state is wholly described by its serialisation: read back, it equals what `emit` gave. A
    /// `#[serde(skip)]` field does not survive, and shows nowhere else.
    #[track_caller]
    pub fn then_survives(self) -> Self
    where
        A: PartialEq,
    {
        if self.happened().emitted != *self.state() {
            let state = text::indented(&self.happened().after.shown());
            self.fails(&format!(
                "the state that emit gave does not survive its serialisation, which is\n{state}"
            ));
        }
        self
    }

    /// The command asks for a snapshot.
    #[track_caller]
    pub fn then_snapshot(self) -> Self {
        if !self.happened().snapshot {
            self.fails("it asks for no snapshot");
        }
        self
    }

    /// The domain refuses the command for this reason.
    #[track_caller]
    pub fn then_rejected(self, expected: R) -> Self
    where
        R: PartialEq,
    {
        let rejection = self.rejection();
        if *rejection != expected {
            let (expected, actual) = (format!("{expected:#?}"), format!("{rejection:#?}"));
            let difference = text::difference(&expected, &actual);
            self.fails(&format!("it was rejected for another reason\n{difference}"));
        }
        self
    }

    /// The domain refuses the command for a reason that is as `check` asserts.
    #[track_caller]
    pub fn then_rejected_with(self, check: impl FnOnce(&R)) -> Self {
        check(self.rejection());
        self
    }

    /// Runs another command on the new state, or on the same one after a rejection.
    #[must_use = "nothing is checked without a `then_...`"]
    #[track_caller]
    pub fn when<C: Command<A>>(self, command: C) -> Outcome<A, C::Rejection> {
        let life = match self.ran.answer {
            Ok(happened) => happened.after,
            Err(_) => self.ran.before,
        };
        Outcome::of(life, &command)
    }

    #[track_caller]
    fn state(&self) -> &A {
        match &self.happened().after.state {
            Some(state) => state,
            None => self.fails("there is no state after it"),
        }
    }

    #[track_caller]
    fn is_another(&self, expected: &Json, actual: &Json) -> ! {
        let difference = text::difference(&text::pretty(expected), &text::pretty(actual));
        self.fails(&format!("the state is another\n{difference}"));
    }

    #[track_caller]
    fn happened(&self) -> &Happened<A> {
        match &self.ran.answer {
            Ok(happened) => happened,
            Err(rejection) => self.fails(&format!("it was rejected: {rejection} ({rejection:?})")),
        }
    }

    #[track_caller]
    fn rejection(&self) -> &R {
        match &self.ran.answer {
            Err(rejection) => rejection,
            Ok(happened) => {
                let patch = text::indented(&text::operations(&happened.patch));
                self.fails(&format!("it was accepted, with the patch\n{patch}"))
            }
        }
    }

    #[track_caller]
    fn fails(&self, why: &str) -> ! {
        let name = &self.ran.name;
        let id = self.ran.before.id.as_ref().map_or("", |id| id.as_str());
        let before = text::indented(&self.ran.before.shown());
        panic!("{name} on {} {id}: {why}\nstate before:\n{before}", A::CATEGORY);
    }
}

impl<A, R> fmt::Debug for Outcome<A, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outcome")
            .field("event_name", &self.ran.name)
            .field("accepted", &self.ran.answer.is_ok())
            .finish_non_exhaustive()
    }
}
