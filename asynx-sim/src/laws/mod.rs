//! What must be true of every run.

mod answers;
mod deliveries;
mod forgets;
mod truth;

use crate::history::{Recorded, Seen, Tick};
use crate::run::Run;
use asynx_core::TOMBSTONE;

use truth::{Stream, Truth};

/// A law that was broken.
#[derive(Debug, Clone)]
pub(crate) struct Violation {
    pub(crate) law: &'static str,
    pub(crate) ledger: String,
    /// Up to when the history is of interest.
    pub(crate) tick: Tick,
    pub(crate) what: String,
}

impl Violation {
    pub(crate) fn new(law: &'static str, ledger: &str, tick: Tick, what: String) -> Self {
        Self {
            law,
            ledger: ledger.to_owned(),
            tick,
            what,
        }
    }
}

/// Holds a run against the laws.
pub(crate) fn check(run: &Run, recorded: &Recorded) -> Vec<Violation> {
    let mut wrong = Vec::new();
    for (law, what) in &recorded.wrong {
        wrong.push(Violation::new(law, "", Tick::MAX, what.clone()));
    }
    let truth = Truth::of(recorded, &mut wrong);
    once(run, &truth, &mut wrong);
    answers::check(&run.scenario, recorded, &truth, &mut wrong);
    deliveries::check(recorded, &truth, &mut wrong);
    forgets::nothing_is_left(run, recorded, &truth, &mut wrong);
    forgets::handlers_run_in_between(run, recorded, &truth, &mut wrong);
    wrong
}

/// No attempt and no key becomes two events.
fn once(run: &Run, truth: &Truth, wrong: &mut Vec<Violation>) {
    use asynx_core::store::ForgetPolicy;
    for (ledger, stream) in truth.streams() {
        for (nth, moment) in stream.moments.iter().enumerate() {
            for other in &stream.moments[..nth] {
                let again = moment.event_id.is_some() && other.event_id == moment.event_id;
                let free = run.scenario.options.forget_policy == ForgetPolicy::EraseAll && moment.floor > other.version;
                let attempt = moment.attempt.is_some() && other.attempt == moment.attempt;
                if (again && !free) || attempt {
                    let what = format!("versions {} and {} are the same command", other.version, moment.version);
                    wrong.push(Violation::new("nothing is applied twice", ledger, moment.tick, what));
                }
            }
        }
    }
}

/// Whether an event that was given was stored by then, with the very states that its versions have.
fn same_as_stored(stream: &Stream, seen: &Seen, by: Tick) -> Result<(), String> {
    let version = seen.version;
    let Some(moment) = stream.at(version).filter(|moment| moment.event_id.is_some()) else {
        return Err(format!("version {version} is not stored"));
    };
    if moment.tick > by {
        return Err(format!("version {version} was not stored yet"));
    }
    if moment.event_id != Some(seen.id) || moment.name != seen.name || seen.name == TOMBSTONE {
        return Err(format!(
            "version {version} is {} in the store, {} was given",
            moment.name, seen.name
        ));
    }
    if moment.state.as_ref() != Some(&seen.state) {
        return Err(format!(
            "version {version} is {:?}, {:?} was given",
            moment.state, seen.state
        ));
    }
    let before = stream.at(version - 1).and_then(|moment| moment.state.as_ref());
    if before != seen.previous.as_ref() {
        return Err(format!(
            "before version {version} was {before:?}, {:?} was given",
            seen.previous
        ));
    }
    Ok(())
}

/// Whether a life was ended by a shutdown that had the time it needed.
fn was_orderly(recorded: &Recorded, life: usize) -> bool {
    let life = &recorded.lives[life];
    let done = format!("SHUT DOWN {}: Ok(())", life.name);
    life.killed.is_none() && recorded.notes.iter().any(|note| note.text == done)
}
