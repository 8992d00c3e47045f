//! What happened, in one order: commits, calls, deliveries, forget handlers, lives of processes.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use asynx_core::{Error, EventId, Expected, Runtime};
use asynx_testkit::sim::SimProcess;

use crate::ledger::{Ledger, Op, Refusal};

/// A moment. Everything that is recorded has its own.
pub(crate) type Tick = u64;

/// Everything that a run records. Cheap to clone.
#[derive(Clone)]
pub(crate) struct History {
    recorded: Arc<Mutex<Recorded>>,
    clock: SimProcess,
}

#[derive(Default)]
pub(crate) struct Recorded {
    tick: Tick,
    pub(crate) commits: Vec<Commit>,
    pub(crate) calls: Vec<Call>,
    pub(crate) deliveries: Vec<Delivery>,
    pub(crate) forget_runs: Vec<ForgetRun>,
    pub(crate) lives: Vec<Life>,
    pub(crate) notes: Vec<Note>,
    /// What was found wrong while it ran.
    pub(crate) wrong: Vec<(&'static str, String)>,
    attempts: u64,
    ops: u64,
}

/// An event that the shared store took.
#[derive(Debug, Clone)]
pub(crate) struct Commit {
    pub(crate) tick: Tick,
    /// In which life of which process it was asked for.
    pub(crate) life: usize,
    pub(crate) ledger: String,
    pub(crate) version: u64,
    pub(crate) event_id: EventId,
    pub(crate) name: String,
    /// Which attempt to send; `None` for a tombstone.
    pub(crate) attempt: Option<u64>,
}

/// A call of a client or a handler.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) called: Tick,
    pub(crate) ended: Option<Tick>,
    pub(crate) life: usize,
    pub(crate) by: Caller,
    pub(crate) request: Request,
    pub(crate) answer: Answer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Caller {
    Client(usize),
    Handler(usize),
    /// After all faults have ended: it must be answered properly.
    Probe,
}

#[derive(Debug, Clone)]
pub(crate) enum Request {
    Send {
        attempt: u64,
        op: Op,
        expected: Expected,
        key: Option<String>,
        wait: bool,
    },
    Get(String),
    Exists(String),
    GetAt(String, u64),
    History(String),
    Forget(String),
}

#[derive(Debug, Clone)]
pub(crate) enum Answer {
    /// None yet.
    Waiting,
    /// The caller dropped it.
    Dropped,
    /// The process was killed.
    Killed,
    Event(Seen),
    Rejected(Refusal),
    Failed(Error),
    State(Ledger),
    Exists(bool),
    Events(Vec<Seen>),
    Forgot,
}

/// An event as asynx gave it.
#[derive(Debug, Clone)]
pub(crate) struct Seen {
    pub(crate) id: EventId,
    pub(crate) version: u64,
    pub(crate) name: String,
    pub(crate) state: Ledger,
    pub(crate) previous: Option<Ledger>,
}

/// An event that a handler was given.
#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    pub(crate) life: usize,
    pub(crate) subscription: usize,
    pub(crate) ledger: String,
    pub(crate) seen: Seen,
    pub(crate) began: Tick,
    pub(crate) ended: Option<Tick>,
}

/// A run of a forget handler.
#[derive(Debug, Clone)]
pub(crate) struct ForgetRun {
    pub(crate) life: usize,
    pub(crate) ledger: String,
    pub(crate) tombstone: u64,
    pub(crate) began: Tick,
    pub(crate) ended: Option<Tick>,
}

/// One life of a process, from start to shutdown or death.
#[derive(Debug, Clone)]
pub(crate) struct Life {
    pub(crate) name: String,
    pub(crate) killed: Option<Tick>,
    pub(crate) shutting: Option<Tick>,
    /// The patterns of its subscriptions.
    pub(crate) subscriptions: Vec<&'static str>,
}

#[derive(Debug, Clone)]
pub(crate) struct Note {
    pub(crate) tick: Tick,
    pub(crate) micros: i64,
    pub(crate) text: String,
}

impl History {
    pub(crate) fn new(clock: SimProcess) -> Self {
        Self {
            recorded: Arc::default(),
            clock,
        }
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Recorded> {
        self.recorded.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what happened; its moment.
    pub(crate) fn note(&self, text: impl fmt::Display) -> Tick {
        let micros = self.clock.now().as_micros();
        let mut recorded = self.lock();
        recorded.tick += 1;
        let tick = recorded.tick;
        let text = text.to_string();
        recorded.notes.push(Note { tick, micros, text });
        tick
    }

    pub(crate) fn wrong(&self, law: &'static str, what: String) {
        self.note(format_args!("WRONG: {law}: {what}"));
        self.lock().wrong.push((law, what));
    }

    pub(crate) fn commit(&self, commit: Commit) {
        let by = self.life_name(commit.life);
        let Commit {
            ledger, version, name, ..
        } = &commit;
        let attempt = commit
            .attempt
            .map(|attempt| format!(", attempt {attempt}"))
            .unwrap_or_default();
        let tick = self.note(format_args!("    commit {ledger} v{version} {name} by {by}{attempt}"));
        self.lock().commits.push(Commit { tick, ..commit });
    }

    pub(crate) fn life(&self, life: Life) -> usize {
        self.note(format_args!("START {}", life.name));
        let mut recorded = self.lock();
        recorded.lives.push(life);
        recorded.lives.len() - 1
    }

    pub(crate) fn life_name(&self, life: usize) -> String {
        self.lock()
            .lives
            .get(life)
            .map(|life| life.name.clone())
            .unwrap_or_default()
    }

    pub(crate) fn next_op(&self) -> u64 {
        let mut recorded = self.lock();
        recorded.ops += 1;
        recorded.ops
    }

    pub(crate) fn next_attempt(&self) -> u64 {
        let mut recorded = self.lock();
        recorded.attempts += 1;
        recorded.attempts
    }

    /// Records that a call begins; the guard records how it ends.
    pub(crate) fn call(&self, life: usize, process: &SimProcess, by: Caller, request: Request) -> Calling {
        let name = self.life_name(life);
        let called = self.note(format_args!("{by:?} calls {name}: {request}"));
        let mut recorded = self.lock();
        recorded.calls.push(Call {
            called,
            ended: None,
            life,
            by,
            request,
            answer: Answer::Waiting,
        });
        Calling {
            history: self.clone(),
            process: process.clone(),
            at: recorded.calls.len() - 1,
        }
    }

    pub(crate) fn deliver(&self, delivery: Delivery) -> Handling {
        let name = self.life_name(delivery.life);
        let Delivery {
            ledger,
            subscription,
            seen,
            ..
        } = &delivery;
        let began = self.note(format_args!(
            "    {name}/{subscription} is given {ledger} v{}",
            seen.version
        ));
        let mut recorded = self.lock();
        recorded.deliveries.push(Delivery { began, ..delivery });
        let at = recorded.deliveries.len() - 1;
        drop(recorded);
        Handling {
            history: self.clone(),
            what: Handled::Delivery(at),
        }
    }

    pub(crate) fn forget_run(&self, run: ForgetRun) -> Handling {
        let name = self.life_name(run.life);
        let ForgetRun { ledger, tombstone, .. } = &run;
        let began = self.note(format_args!("    {name} cleans up after {ledger} v{tombstone}"));
        let mut recorded = self.lock();
        recorded.forget_runs.push(ForgetRun { began, ..run });
        let at = recorded.forget_runs.len() - 1;
        drop(recorded);
        Handling {
            history: self.clone(),
            what: Handled::Forget(at),
        }
    }
}

/// A call under way.
pub(crate) struct Calling {
    history: History,
    process: SimProcess,
    at: usize,
}

impl Calling {
    pub(crate) fn answered(self, answer: Answer) {
        self.end(answer);
    }

    fn end(&self, answer: Answer) {
        let recorded = self.history.lock();
        if recorded.calls[self.at].ended.is_some() {
            return;
        }
        let request = recorded.calls[self.at].request.to_string();
        let by = recorded.calls[self.at].by;
        drop(recorded);
        let tick = self.history.note(format_args!("{by:?} has {answer} for {request}"));
        let mut recorded = self.history.lock();
        recorded.calls[self.at].answer = answer;
        recorded.calls[self.at].ended = Some(tick);
    }
}

impl Drop for Calling {
    fn drop(&mut self) {
        let killed = self.process.is_killed();
        self.end(if killed { Answer::Killed } else { Answer::Dropped });
    }
}

/// A handler that runs.
pub(crate) struct Handling {
    history: History,
    what: Handled,
}

enum Handled {
    Delivery(usize),
    Forget(usize),
}

impl Drop for Handling {
    fn drop(&mut self) {
        let recorded = self.history.lock();
        let what = match self.what {
            Handled::Delivery(at) => {
                let delivery = &recorded.deliveries[at];
                let life = &recorded.lives[delivery.life].name;
                format!(
                    "    {life}/{} is done with {} v{}",
                    delivery.subscription, delivery.ledger, delivery.seen.version
                )
            }
            Handled::Forget(at) => {
                let run = &recorded.forget_runs[at];
                let life = &recorded.lives[run.life].name;
                format!("    {life} has cleaned up after {} v{}", run.ledger, run.tombstone)
            }
        };
        drop(recorded);
        let tick = self.history.note(what);
        let mut recorded = self.history.lock();
        match self.what {
            Handled::Delivery(at) => recorded.deliveries[at].ended = Some(tick),
            Handled::Forget(at) => recorded.forget_runs[at].ended = Some(tick),
        }
    }
}

impl Request {
    pub(crate) fn ledger(&self) -> &str {
        match self {
            Self::Send { op, .. } => &op.ledger,
            Self::Get(ledger)
            | Self::Exists(ledger)
            | Self::GetAt(ledger, _)
            | Self::History(ledger)
            | Self::Forget(ledger) => ledger,
        }
    }
}

impl fmt::Display for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send {
                attempt,
                op,
                expected,
                key,
                wait,
            } => {
                write!(f, "send #{attempt} {} {:?} (op {})", op.ledger, op.kind, op.op)?;
                if *expected != Expected::Any {
                    write!(f, " expecting {expected}")?;
                }
                if let Some(key) = key {
                    write!(f, " key {key}")?;
                }
                f.write_str(if *wait { " and wait" } else { "" })
            }
            Self::Get(ledger) => write!(f, "get {ledger}"),
            Self::Exists(ledger) => write!(f, "exists {ledger}"),
            Self::GetAt(ledger, version) => write!(f, "get {ledger} at v{version}"),
            Self::History(ledger) => write!(f, "history of {ledger}"),
            Self::Forget(ledger) => write!(f, "forget {ledger}"),
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Waiting => f.write_str("no answer"),
            Self::Dropped => f.write_str("dropped it"),
            Self::Killed => f.write_str("died"),
            Self::Event(seen) => write!(f, "v{} {}", seen.version, seen.name),
            Self::Rejected(refusal) => write!(f, "a rejection ({refusal})"),
            // Its text has the number of a subscription, which is another in every run.
            Self::Failed(Error::ForgetFailed { tombstone, .. }) => write!(f, "no erasure after v{tombstone}"),
            Self::Failed(error) => write!(f, "an error ({error})"),
            Self::State(ledger) => write!(f, "a state of count {}", ledger.count),
            Self::Exists(exists) => write!(f, "{exists}"),
            Self::Events(events) => {
                let versions: Vec<u64> = events.iter().map(|seen| seen.version).collect();
                write!(f, "events {versions:?}")
            }
            Self::Forgot => f.write_str("forgotten"),
        }
    }
}
