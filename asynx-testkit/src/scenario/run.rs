//! Runs a command as the processor does, and twice.

use asynx_core::patch::{Document, Patch, Tape, check, create, evolve};
use asynx_core::{Aggregate, AggregateId, Command, EventName};

use super::life::{Life, fold};

/// A command that ran.
pub(super) struct Ran<A, R> {
    pub(super) name: EventName,
    pub(super) before: Life<A>,
    pub(super) answer: Result<Happened<A>, R>,
}

/// What an accepted command did.
pub(super) struct Happened<A> {
    pub(super) patch: Patch,
    /// As `emit` gave it, before it went through JSON.
    pub(super) emitted: A,
    pub(super) after: Life<A>,
    pub(super) snapshot: bool,
}

/// Runs a command; `Err` says which duty it does not keep.
pub(super) fn run<A: Aggregate, C: Command<A> + ?Sized>(
    mut before: Life<A>,
    command: &C,
) -> Result<Ran<A, C::Rejection>, String> {
    let id = AggregateId::parse(command.aggregate_id()).map_err(|error| format!("the aggregate id: {error}"))?;
    let name = EventName::parse(command.event_name()).map_err(|error| format!("the event name: {error}"))?;
    let at = |duty: String| format!("{name} on {} {id}: {duty}", A::CATEGORY);
    if *command.aggregate_id() != *id.as_str() || *command.event_name() != *name.as_str() {
        return Err(at("asked again, its id or event name is another".to_owned()));
    }
    match &before.id {
        Some(known) if *known != id => return Err(at(format!("the scenario is about {known}"))),
        _ => before.id = Some(id.clone()),
    }

    let current = before.state.as_deref();
    let current_tape = current.map(Tape::of).transpose().map_err(|error| {
        let error = format!("the state before cannot be stored: {error}");
        at(error)
    })?;
    let untouched = |call: &str| match (current.map(Tape::of), &current_tape) {
        (Some(now), Some(tape)) if !now.as_ref().is_ok_and(|now| alike::<A>(now, tape)) => Err(at(format!(
            "{call} is not pure: it changed the state that it was given"
        ))),
        _ => Ok(()),
    };

    let (first, second) = (command.validate(current), command.validate(current));
    let told = |answer: &Result<(), C::Rejection>| match answer {
        Ok(()) => "allowed".to_owned(),
        Err(rejection) => format!("refused by {rejection:?}"),
    };
    if told(&first) != told(&second) {
        let (first, second) = (told(&first), told(&second));
        return Err(at(format!(
            "validate is not pure: {first}, and {second} when run again"
        )));
    }
    untouched("validate")?;
    if let Err(rejection) = first {
        let answer = Err(rejection);
        return Ok(Ran { name, before, answer });
    }

    let (emitted, again) = (command.emit(current), command.emit(current));
    let store = |state: &A| Tape::of(state).map_err(|error| at(format!("the new state cannot be stored: {error}")));
    let (next, next_again) = (store(&emitted)?, store(&again)?);
    if !alike::<A>(&next_again, &next) {
        let lines = [&next, &next_again].map(|tape| super::text::pretty(&tape.to_json()));
        let difference = super::text::difference(&lines[0], &lines[1]);
        return Err(at(format!(
            "emit is not pure: run again, it gives another state\n{difference}"
        )));
    }
    untouched("emit")?;

    let (target, patch) = match (&current_tape, before.document.tape()) {
        (Some(current), Ok(document)) => {
            evolve(&document, current, &next, reserialise::<A>).map_err(|error| at(format!("the {error}")))?
        }
        _ => (next.clone(), create(&next)),
    };
    check(&target, &next, reserialise::<A>).map_err(|error| at(format!("the {error}")))?;
    let patch = Patch::parse(&patch).map_err(|error| at(format!("the differ's patch: {error}")))?;
    let mut document: Document = before.document.clone();
    fold(&mut document, name.as_str(), &patch)?;
    let after = before.followed_by(document).map_err(at)?;
    let snapshot = command.should_snapshot();
    let answer = Ok(Happened {
        patch,
        emitted,
        after,
        snapshot,
    });
    Ok(Ran { name, before, answer })
}

fn reserialise<A: Aggregate>(text: &[u8]) -> Result<Tape, String> {
    let state: A = Tape::parse(text)
        .map_err(|error| error.to_string())?
        .deserialize()
        .map_err(|error| error.to_string())?;
    Tape::of(&state).map_err(|error| error.to_string())
}

/// Whether both are the same state; a type that does not keep the order of its elements may have another one.
pub(super) fn alike<A: Aggregate>(left: &Tape, right: &Tape) -> bool {
    left.same(right) || check(left, right, reserialise::<A>).is_ok()
}
