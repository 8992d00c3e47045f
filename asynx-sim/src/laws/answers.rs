//! Every answer is the truth at a moment between the call and the answer.

use asynx_core::store::ForgetPolicy;
use asynx_core::{Applied, Error, Stage};

use super::Violation;
use super::truth::{Moment, Stream, Truth, id_of};
use crate::history::{Answer, Call, Caller, Recorded, Request, Seen, Tick};
use crate::ledger::{Refusal, Verdict};
use crate::scenario::Scenario;

pub(crate) fn check(scenario: &Scenario, recorded: &Recorded, truth: &Truth, wrong: &mut Vec<Violation>) {
    for call in &recorded.calls {
        let ledger = call.request.ledger();
        let stream = truth.stream(ledger);
        let ended = call.ended.unwrap_or(Tick::MAX);
        let checking = Checking {
            scenario,
            recorded,
            call,
            stream,
            moments: stream.between(call.called, ended),
        };
        if let Err((law, what)) = checking.check() {
            let what = format!("{:?}: {} -> {}: {what}", call.by, call.request, call.answer);
            wrong.push(Violation::new(law, ledger, ended, what));
        }
    }
}

struct Checking<'a> {
    scenario: &'a Scenario,
    recorded: &'a Recorded,
    call: &'a Call,
    stream: &'a Stream,
    /// What was current at some time during the call.
    moments: &'a [Moment],
}

type Verified = Result<(), (&'static str, String)>;

const CURRENT: &str = "an answer is the truth at a moment of its call";
const DURABLE: &str = "what is acknowledged is stored";
const NOTHING: &str = "what is told as not applied is not stored";

impl Checking<'_> {
    fn check(&self) -> Verified {
        if matches!(self.call.answer, Answer::Waiting) {
            return Err(("every caller is answered", String::new()));
        }
        self.nothing_written()?;
        if self.call.by == Caller::Probe {
            self.probe()?;
        }
        match (&self.call.request, &self.call.answer) {
            (Request::Send { .. }, Answer::Event(seen)) => self.accepted(seen),
            (Request::Send { .. }, Answer::Rejected(refusal)) => self.rejected(refusal),
            (_, Answer::Failed(error)) => self.failed(error),
            (Request::Get(_), Answer::State(state)) => self.some(|moment| moment.state.as_ref() == Some(state)),
            (Request::Exists(_), Answer::Exists(exists)) => self.some(|moment| moment.state.is_some() == *exists),
            (Request::GetAt(_, version), Answer::State(state)) => {
                let at = self.stream.at(*version).and_then(|moment| moment.state.as_ref());
                match at == Some(state) {
                    true => self.some(|moment| moment.state.is_some() && is_of_life(*version, moment)),
                    false => Err((CURRENT, format!("version {version} is {at:?}"))),
                }
            }
            (Request::History(_), Answer::Events(events)) => self.history(events),
            // What it leaves is looked at elsewhere.
            (Request::Forget(_), Answer::Forgot) => Ok(()),
            (_, Answer::Dropped | Answer::Killed) => Ok(()),
            (_, answer) => Err(("an answer fits its question", answer.to_string())),
        }
    }

    fn some(&self, is: impl Fn(&Moment) -> bool) -> Verified {
        match self.moments.iter().any(is) {
            true => Ok(()),
            false => {
                let (first, last) = (&self.moments[0], &self.moments[self.moments.len() - 1]);
                let what = format!(
                    "current were the versions {} to {}: {:?} to {:?}",
                    first.version, last.version, first.state, last.state
                );
                Err((CURRENT, what))
            }
        }
    }

    /// An error that says so, and a rejection, leave no event of this very attempt.
    fn nothing_written(&self) -> Verified {
        let Request::Send { attempt, .. } = &self.call.request else {
            return Ok(());
        };
        let applied = match &self.call.answer {
            Answer::Rejected(_) => Applied::No,
            Answer::Failed(error) => error.applied(),
            _ => return Ok(()),
        };
        let mine = self
            .stream
            .moments
            .iter()
            .find(|moment| moment.attempt == Some(*attempt));
        match (applied, mine) {
            (Applied::No, Some(mine)) => Err((NOTHING, format!("it is version {}", mine.version))),
            _ => Ok(()),
        }
    }

    /// With all faults ended, a process serves.
    fn probe(&self) -> Verified {
        match &self.call.answer {
            Answer::Failed(Error::NotFound { .. } | Error::QueueFull { .. } | Error::Forgotten { .. }) => Ok(()),
            // A stale cache may cost the only attempt.
            Answer::Failed(Error::Conflict { .. }) if self.scenario.options.max_attempts <= 2 => Ok(()),
            Answer::Failed(error) => Err(("a process recovers when its faults end", error.to_string())),
            Answer::Killed | Answer::Dropped => Err(("a process recovers when its faults end", "it died".to_owned())),
            _ => Ok(()),
        }
    }

    fn accepted(&self, seen: &Seen) -> Verified {
        let Request::Send { attempt, op, key, .. } = &self.call.request else {
            return Ok(());
        };
        self.seen(seen)?;
        let Some(moment) = self.stream.at(seen.version) else {
            return Err((DURABLE, format!("there is no version {}", seen.version)));
        };
        if seen.name != op.name() {
            return Err((CURRENT, format!("the event is {}", seen.name)));
        }
        match key {
            None if moment.attempt != Some(*attempt) => Err((
                CURRENT,
                format!("version {} is of attempt {:?}", seen.version, moment.attempt),
            )),
            Some(key) if Some(id_of(&op.ledger, key)) != moment.event_id => {
                Err((CURRENT, format!("version {} is not of key {key}", seen.version)))
            }
            _ => Ok(()),
        }
    }

    /// An event that was given is stored, and its states are those of its version and the one before it.
    fn seen(&self, seen: &Seen) -> Verified {
        let ended = self.call.ended.unwrap_or(Tick::MAX);
        super::same_as_stored(self.stream, seen, ended).map_err(|what| (DURABLE, what))
    }

    fn rejected(&self, refusal: &Refusal) -> Verified {
        let Request::Send { op, expected, .. } = &self.call.request else {
            return Ok(());
        };
        self.no(|moment| {
            expected.fits(moment.living()) && op.verdict(moment.state.as_ref()) == Verdict::Refused(refusal.clone())
        })
    }

    /// A negative answer: true at some moment, and the key was not used before that moment.
    fn no(&self, is: impl Fn(&Moment) -> bool) -> Verified {
        self.some(|moment| is(moment) && !self.key_used(moment))
    }

    /// Whether the key of the call stood for an event at a moment.
    fn key_used(&self, at: &Moment) -> bool {
        let Request::Send { op, key: Some(key), .. } = &self.call.request else {
            return false;
        };
        let kept = match self.scenario.options.forget_policy {
            ForgetPolicy::KeepRows => 0,
            // The key is free again some time after the tombstone.
            ForgetPolicy::EraseAll => at.floor,
        };
        let mut uses = self.stream.with_id(id_of(&op.ledger, key));
        uses.any(|used| used.version <= at.version && used.version > kept)
    }

    fn failed(&self, error: &Error) -> Verified {
        match error {
            Error::NotFound { .. } => self.no(|moment| moment.state.is_none()),
            Error::Unexpected { expected, actual, .. } => {
                self.no(|moment| moment.living() == *actual && !expected.fits(*actual))
            }
            Error::Panicked { stage, .. } => {
                let Request::Send { op, expected, .. } = &self.call.request else {
                    return Err((CURRENT, "nothing panics there".to_owned()));
                };
                let fits = |moment: &Moment| expected.fits(moment.living());
                let panics = |moment: &Moment| op.verdict(moment.state.as_ref()) == Verdict::Panics;
                match stage {
                    Stage::Validate | Stage::Emit => self.no(|moment| fits(moment) && panics(moment)),
                    other => Err((CURRENT, format!("nothing panics in {other}"))),
                }
            }
            Error::VersionNotFound { version, .. } => {
                self.some(|moment| moment.state.is_some() && !is_of_life(version.get(), moment))
            }
            Error::KeyReused {
                event_name, version, ..
            } => self.key_stands_for(version.get(), |moment, op_name| {
                moment.name == *event_name && moment.name != op_name
            }),
            Error::Forgotten { version, .. } => {
                let newest = self.moments.last().map_or(0, |moment| moment.floor);
                match version.get() <= newest {
                    true => self.key_stands_for(version.get(), |_, _| true),
                    false => Err((CURRENT, format!("forgotten was only through version {newest}"))),
                }
            }
            Error::ForgetFailed { tombstone, .. } => {
                let ended = self.call.ended.unwrap_or(Tick::MAX);
                let there = self.stream.at(tombstone.get());
                match there.filter(|moment| moment.tick < ended && moment.floor == moment.version) {
                    Some(_) => Ok(()),
                    None => Err((DURABLE, format!("version {tombstone} is no tombstone"))),
                }
            }
            Error::Ended { .. } if super::was_orderly(self.recorded, self.call.life) => {
                Err(("an orderly shutdown carries out what it has", error.to_string()))
            }
            Error::Unknown { .. } | Error::Ended { .. } | Error::Unsettled { .. } | Error::Store { .. } => Ok(()),
            Error::Conflict { .. } => Ok(()),
            Error::QueueFull { depth } => match self.scenario.options.queue_depth {
                Some(asked) if asked.get() == *depth => Ok(()),
                other => Err((CURRENT, format!("the depth is {other:?}"))),
            },
            Error::ShuttingDown => {
                let life = &self.recorded.lives[self.call.life];
                let queued = self.scenario.options.queue_depth.is_none()
                    && matches!(self.call.request, Request::Send { .. })
                    && life.shutting.is_some_and(|shutting| shutting > self.call.called);
                if queued && super::was_orderly(self.recorded, self.call.life) {
                    return Err(("an orderly shutdown carries out what it has", error.to_string()));
                }
                match life.shutting.or(life.killed) {
                    Some(tick) if Some(tick) < self.call.ended => Ok(()),
                    _ => Err((CURRENT, "nobody shuts it down".to_owned())),
                }
            }
            Error::ForgetUnsupported => Ok(()),
            other => Err(("no other error is due", format!("{other:?}"))),
        }
    }

    fn key_stands_for(&self, version: u64, is: impl Fn(&Moment, &str) -> bool) -> Verified {
        let Request::Send { op, key: Some(key), .. } = &self.call.request else {
            return Err((CURRENT, "it has no key".to_owned()));
        };
        let ended = self.call.ended.unwrap_or(Tick::MAX);
        let mut uses = self.stream.with_id(id_of(&op.ledger, key));
        match uses.any(|used| used.version == version && used.tick < ended && is(used, op.name())) {
            true => Ok(()),
            false => Err((CURRENT, format!("key {key} does not stand for version {version}"))),
        }
    }

    fn history(&self, events: &[Seen]) -> Verified {
        for seen in events {
            self.seen(seen)?;
        }
        for pair in events.windows(2) {
            if pair[1].version != pair[0].version + 1 {
                return Err((CURRENT, "there is a gap".to_owned()));
            }
        }
        let (Some(first), Some(last)) = (events.first(), events.last()) else {
            return Err((CURRENT, "a life has events".to_owned()));
        };
        self.some(|moment| {
            moment.floor + 1 == first.version && moment.state.is_some() && moment.version <= last.version
        })
    }
}

/// Whether a version is of the life that is at a moment.
fn is_of_life(version: u64, moment: &Moment) -> bool {
    version > moment.floor && version <= moment.version
}
