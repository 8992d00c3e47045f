use std::fmt::{self, Write as _};
use std::ops::AddAssign;
use std::panic;
use std::sync::Once;

use asynx_core::Error;

use crate::history::{Answer, Note, Recorded, Request, Tick};
use crate::laws::{self, Violation};
use crate::run::play;
use crate::sabotage::Sabotage;
use crate::scenario::Scenario;

/// What became of one seed.
#[derive(Debug)]
pub struct Outcome {
    /// The seed.
    pub seed: u64,
    /// What was done in it.
    pub figures: Figures,
    /// The broken laws with what led to them; `None` where all were kept.
    pub failure: Option<String>,
    /// The law that was broken first.
    pub law: Option<&'static str>,
    /// All that happened, line by line.
    pub history: String,
    /// The same in every run of this seed.
    pub trace: u64,
}

/// How much was done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Figures {
    /// Seeds.
    pub seeds: u64,
    /// Calls to send.
    pub commands: u64,
    /// Events in the store.
    pub events: u64,
    /// Rejections by the domain.
    pub rejections: u64,
    /// Calls that were told of a conflict.
    pub conflicts: u64,
    /// Calls that were told that their outcome is unknown.
    pub unknowns: u64,
    /// Processes that died.
    pub crashes: u64,
    /// Events given to handlers.
    pub deliveries: u64,
    /// Aggregates forgotten.
    pub forgets: u64,
    /// Broken laws.
    pub violations: u64,
}

/// Runs one seed.
#[must_use]
pub fn run_seed(seed: u64, sabotage: Option<Sabotage>) -> Outcome {
    run(&Scenario::of(seed), sabotage)
}

/// Runs a seed whose processes append without lanes: as seeds were run before there were any.
#[must_use]
pub fn run_seed_without_lanes(seed: u64) -> Outcome {
    let mut scenario = Scenario::of(seed);
    scenario.lanes = None;
    run(&scenario, None)
}

fn run(scenario: &Scenario, sabotage: Option<Sabotage>) -> Outcome {
    be_quiet();
    let (run, stuck, trace) = play(scenario, sabotage);
    let recorded = run.history.lock();
    let mut wrong = laws::check(&run, &recorded);
    if let Err(stuck) = stuck {
        wrong.insert(0, Violation::new("a run ends", "", Tick::MAX, stuck));
    }
    let figures = figures(&recorded, wrong.len() as u64);
    let failure = (!wrong.is_empty()).then(|| failure(scenario, &recorded, &wrong));
    Outcome {
        seed: scenario.seed,
        figures,
        failure,
        law: wrong.first().map(|violation| violation.law),
        history: lines(recorded.notes.iter()),
        trace,
    }
}

fn figures(recorded: &Recorded, violations: u64) -> Figures {
    let count = |is: &dyn Fn(&Answer) -> bool| recorded.calls.iter().filter(|call| is(&call.answer)).count() as u64;
    let sends = recorded
        .calls
        .iter()
        .filter(|call| matches!(call.request, Request::Send { .. }));
    Figures {
        seeds: 1,
        commands: sends.count() as u64,
        events: recorded.commits.len() as u64,
        rejections: count(&|answer| matches!(answer, Answer::Rejected(_))),
        conflicts: count(&|answer| matches!(answer, Answer::Failed(Error::Conflict { .. }))),
        unknowns: count(&|answer| matches!(answer, Answer::Failed(Error::Unknown { .. } | Error::Ended { .. }))),
        crashes: recorded.lives.iter().filter(|life| life.killed.is_some()).count() as u64,
        deliveries: recorded.deliveries.len() as u64,
        forgets: count(&|answer| matches!(answer, Answer::Forgot)),
        violations,
    }
}

/// How much of the history is shown.
const SHOWN: usize = 80;

fn failure(scenario: &Scenario, recorded: &Recorded, wrong: &[Violation]) -> String {
    let mut text = format!("seed {}\n{scenario:#?}\n", scenario.seed);
    for violation in wrong.iter().take(5) {
        let _ = writeln!(
            text,
            "broken: {}: {} {}",
            violation.law, violation.ledger, violation.what
        );
    }
    if wrong.len() > 5 {
        let _ = writeln!(text, "and {} more", wrong.len() - 5);
    }
    let Some(first) = wrong.first() else { return text };
    let of_interest = |note: &&Note| {
        let lifecycle = note.text.starts_with(char::is_uppercase) && !note.text.starts_with("Client");
        note.tick <= first.tick && (lifecycle || note.text.contains(&first.ledger))
    };
    let mut shown: Vec<&Note> = recorded.notes.iter().filter(of_interest).collect();
    let left_out = shown.len().saturating_sub(SHOWN);
    shown.drain(..left_out);
    let _ = writeln!(text, "what led to the first ({left_out} lines before):");
    text.push_str(&lines(shown.into_iter()));
    let _ = writeln!(text, "again: cargo xtask sim --seeds 1 --seed {}", scenario.seed);
    text
}

fn lines<'a>(notes: impl Iterator<Item = &'a Note>) -> String {
    let mut text = String::new();
    let mut began = None;
    for Note {
        tick,
        micros,
        text: note,
    } in notes
    {
        let since = micros - *began.get_or_insert(1_767_225_600_000_000_i64);
        let _ = writeln!(text, "{tick:>6} {:>10.3} ms  {note}", since as f64 / 1_000.0);
    }
    text
}

/// Panics on purpose need not be printed.
fn be_quiet() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let loud = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            let payload = info.payload();
            let text = payload.downcast_ref::<&str>().copied();
            let text = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
            if text != Some("on purpose") {
                loud(info);
            }
        }));
    });
}

impl AddAssign for Figures {
    fn add_assign(&mut self, other: Self) {
        self.seeds += other.seeds;
        self.commands += other.commands;
        self.events += other.events;
        self.rejections += other.rejections;
        self.conflicts += other.conflicts;
        self.unknowns += other.unknowns;
        self.crashes += other.crashes;
        self.deliveries += other.deliveries;
        self.forgets += other.forgets;
        self.violations += other.violations;
    }
}

impl fmt::Display for Figures {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "seeds {} commands {} events {} rejections {} conflicts {} unknowns {} deliveries {} forgets {} crashes {} violations {}",
            self.seeds,
            self.commands,
            self.events,
            self.rejections,
            self.conflicts,
            self.unknowns,
            self.deliveries,
            self.forgets,
            self.crashes,
            self.violations
        )
    }
}
