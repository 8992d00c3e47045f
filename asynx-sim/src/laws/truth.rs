use std::collections::BTreeMap;

use asynx_core::{EventId, StreamId, TOMBSTONE};

use super::Violation;
use crate::history::{Call, Recorded, Request, Tick};
use crate::ledger::{Ledger, Verdict};

/// What every ledger was at every version, by the commits alone and the model of the domain.
pub(crate) struct Truth {
    streams: BTreeMap<String, Stream>,
    /// The calls by their attempts.
    attempts: BTreeMap<u64, usize>,
}

/// One ledger through all versions; the first moment is version 0, before there was anything.
pub(crate) struct Stream {
    pub(crate) moments: Vec<Moment>,
}

pub(crate) struct Moment {
    pub(crate) tick: Tick,
    pub(crate) version: u64,
    pub(crate) state: Option<Ledger>,
    /// The newest tombstone.
    pub(crate) floor: u64,
    pub(crate) event_id: Option<EventId>,
    pub(crate) name: String,
    pub(crate) attempt: Option<u64>,
    /// In which life of a process.
    pub(crate) life: usize,
}

static NOTHING: Stream = Stream { moments: Vec::new() };

impl Truth {
    /// Follows the commits; each must be what a command comes to on the version before it.
    pub(crate) fn of(recorded: &Recorded, wrong: &mut Vec<Violation>) -> Self {
        let sends = recorded
            .calls
            .iter()
            .enumerate()
            .filter_map(|(at, call)| match &call.request {
                Request::Send { attempt, .. } => Some((*attempt, at)),
                _ => None,
            });
        let mut truth = Self {
            streams: BTreeMap::new(),
            attempts: sends.collect(),
        };
        for call in &recorded.calls {
            truth
                .streams
                .entry(call.request.ledger().to_owned())
                .or_insert_with(Stream::new);
        }
        for commit in &recorded.commits {
            let stream = truth.streams.entry(commit.ledger.clone()).or_insert_with(Stream::new);
            let mut tell = |law, what| wrong.push(Violation::new(law, &commit.ledger, commit.tick, what));
            let before = stream.newest();
            if commit.version != before.version + 1 {
                let what = format!("version {} follows on version {}", commit.version, before.version);
                tell("streams have no gaps", what);
            }
            let call = commit
                .attempt
                .and_then(|attempt| truth.attempts.get(&attempt))
                .map(|at| &recorded.calls[*at]);
            let (state, floor) = match (commit.name.as_str(), call) {
                (TOMBSTONE, _) => {
                    if before.state.is_none() {
                        tell(
                            "a tombstone ends a life",
                            format!("nothing lived before version {}", commit.version),
                        );
                    }
                    (None, commit.version)
                }
                (_, Some(call)) => match follow(call, before, commit.version) {
                    Ok(next) => (Some(next), before.floor),
                    Err(what) => {
                        tell("an event was validated against the version before it", what);
                        (before.state.clone(), before.floor)
                    }
                },
                (_, None) => {
                    tell(
                        "every event belongs to a command",
                        format!("version {}", commit.version),
                    );
                    (before.state.clone(), before.floor)
                }
            };
            stream.moments.push(Moment {
                tick: commit.tick,
                version: commit.version,
                state,
                floor,
                event_id: Some(commit.event_id),
                name: commit.name.clone(),
                attempt: commit.attempt,
                life: commit.life,
            });
        }
        truth
    }

    pub(crate) fn stream(&self, ledger: &str) -> &Stream {
        self.streams.get(ledger).unwrap_or(&NOTHING)
    }

    pub(crate) fn streams(&self) -> impl Iterator<Item = (&String, &Stream)> {
        self.streams.iter()
    }
}

/// The state that the command of a call makes of the version before.
fn follow(call: &Call, before: &Moment, version: u64) -> Result<Ledger, String> {
    let Request::Send { op, expected, .. } = &call.request else {
        return Err(format!("version {version} is of a call that sends nothing"));
    };
    if !expected.fits(before.living()) {
        return Err(format!(
            "version {version} expected {expected}, at version {}",
            before.version
        ));
    }
    match op.verdict(before.state.as_ref()) {
        Verdict::Next(next) => Ok(next),
        other => Err(format!(
            "version {version}, {:?}, on {:?} comes to {other:?}",
            op.kind, before.state
        )),
    }
}

impl Stream {
    fn new() -> Self {
        let beginning = Moment {
            tick: 0,
            version: 0,
            state: None,
            floor: 0,
            event_id: None,
            name: String::new(),
            attempt: None,
            life: 0,
        };
        Self {
            moments: vec![beginning],
        }
    }

    pub(crate) fn newest(&self) -> &Moment {
        self.moments.last().expect("a stream has its beginning")
    }

    /// The newest moment before a tick.
    fn before(&self, tick: Tick) -> usize {
        self.moments
            .partition_point(|moment| moment.tick < tick)
            .saturating_sub(1)
    }

    /// The moments that were the newest one at some time between two ticks.
    pub(crate) fn between(&self, from: Tick, to: Tick) -> &[Moment] {
        &self.moments[self.before(from)..=self.before(to)]
    }

    pub(crate) fn at(&self, version: u64) -> Option<&Moment> {
        self.moments
            .get(version as usize)
            .filter(|moment| moment.version == version)
    }

    /// The versions that have an event id.
    pub(crate) fn with_id(&self, id: EventId) -> impl Iterator<Item = &Moment> {
        self.moments.iter().filter(move |moment| moment.event_id == Some(id))
    }
}

impl Moment {
    pub(crate) fn living(&self) -> Option<asynx_core::Version> {
        self.state.as_ref().and_then(|_| asynx_core::Version::new(self.version))
    }
}

/// The event id that a key stands for.
pub(crate) fn id_of(ledger: &str, key: &str) -> EventId {
    let stream = StreamId::parse("ledger", ledger).expect("the ledgers' names are valid");
    EventId::from_key(&stream, key)
}
