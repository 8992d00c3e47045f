//! What a seed stands for.

use std::num::NonZeroUsize;
use std::time::Duration;

use asynx_core::store::ForgetPolicy;
use asynx_lanes::LaneOptions;
use asynx_processor::{Options, Overflow};
use asynx_testkit::Random;
use asynx_testkit::faults::{Fault, FaultPlan, Rule};
use asynx_testkit::layers::Call;
use asynx_testkit::sim::Schedule;

/// One run, drawn from its seed.
#[derive(Debug, Clone)]
pub(crate) struct Scenario {
    pub(crate) seed: u64,
    pub(crate) schedule: Schedule,
    pub(crate) store: StoreKind,
    pub(crate) snapshots: SnapshotKind,
    pub(crate) processes: usize,
    pub(crate) ledgers: usize,
    pub(crate) clients: usize,
    /// How many things each client does.
    pub(crate) steps: u64,
    /// The longest pause of a client.
    pub(crate) pause: Duration,
    /// How often a call is dropped early.
    pub(crate) drops: f64,
    pub(crate) options: Options,
    pub(crate) faults: Vec<(f64, Fault)>,
    /// What a lost statement does later, it does within this time.
    pub(crate) later: Duration,
    pub(crate) kills: u32,
    pub(crate) shutdowns: u32,
    pub(crate) subscriptions: Vec<SubscriptionPlan>,
    /// How often each forget handler fails.
    pub(crate) forget_handlers: Vec<f64>,
    /// How processes append, if through lanes.
    pub(crate) lanes: Option<LaneOptions>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StoreKind {
    Memory,
    /// The memory store, which does not tell that it looks at event ids.
    Shy,
    /// Five methods and no more.
    Plain,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SnapshotKind {
    None,
    InStore,
    Dedicated,
}

#[derive(Debug, Clone)]
pub(crate) struct SubscriptionPlan {
    pub(crate) pattern: &'static str,
    pub(crate) concurrency: usize,
    pub(crate) timeout: Option<Duration>,
    /// The longest that its handler takes.
    pub(crate) slow: Duration,
    pub(crate) panics: f64,
    pub(crate) fails: f64,
    pub(crate) hangs: f64,
    pub(crate) sends: f64,
    pub(crate) fallback: bool,
}

/// The patterns that subscriptions use, and how the laws match them.
const PATTERNS: [&str; 4] = ["ledger.*", "ledger\\.added", "ledger\\.(created|closed)", ".*"];

/// Whether one of [`PATTERNS`] wants an event name.
pub(crate) fn wants(pattern: &str, name: &str) -> bool {
    match pattern {
        "ledger\\.added" => name == "ledger.added",
        "ledger\\.(created|closed)" => matches!(name, "ledger.created" | "ledger.closed"),
        _ => true,
    }
}

impl Scenario {
    pub(crate) fn of(seed: u64) -> Self {
        let mut random = Random::seeded(seed ^ 0x5ce0_a210);
        let random = &mut random;
        let store = match random.below(10) {
            0..=5 => StoreKind::Memory,
            6 => StoreKind::Shy,
            _ => StoreKind::Plain,
        };
        let snapshots = match (store, random.below(10)) {
            (_, 0) => SnapshotKind::None,
            (StoreKind::Plain, _) | (_, 1..=3) => SnapshotKind::Dedicated,
            _ => SnapshotKind::InStore,
        };
        let processes = 1 + random.below(3) as usize;
        let sole_writer = processes == 1 && store != StoreKind::Plain && random.chance(0.3);
        let later = micros(random, 20_000, 800_000);
        Self {
            seed,
            schedule: match random.below(3) {
                0 => Schedule::Urgency,
                _ => Schedule::Uniform,
            },
            store,
            snapshots,
            processes,
            ledgers: 1 + random.below(4) as usize,
            clients: 2 + random.below(7) as usize,
            steps: 5 + random.below(36),
            pause: micros(random, 50, 6_000),
            drops: *pick(random, &[0.0, 0.02, 0.15]),
            options: options(random, sole_writer),
            faults: faults(random, later),
            later,
            kills: *pick(random, &[0, 0, 1, 2, 3]),
            shutdowns: *pick(random, &[0, 0, 1, 2]),
            subscriptions: (0..random.below(4)).map(|nth| subscription(random, nth)).collect(),
            forget_handlers: (0..random.below(3)).map(|_| *pick(random, &[0.0, 0.2, 0.6])).collect(),
            lanes: random.chance(0.5).then(|| lanes(random)),
        }
    }

    /// The faults of one life of a process.
    pub(crate) fn plan(&self, seed: u64, may_crash: bool) -> FaultPlan {
        let mut plan = FaultPlan::seeded(seed);
        for (chance, fault) in &self.faults {
            let rule = Rule::chance(*chance, *fault);
            plan = match fault {
                Fault::CrashBefore | Fault::CrashAfter if !may_crash => plan,
                Fault::Refuse | Fault::CrashBefore | Fault::CrashAfter => plan.with(rule.on(Call::WRITES)),
                _ => plan.with(rule),
            };
        }
        plan
    }
}

fn options(random: &mut Random, sole_writer: bool) -> Options {
    let mut options = Options::default();
    options.shards = count(1 + random.below(4));
    options.queue_depth = random.chance(0.25).then(|| count(1 + random.below(4)));
    options.overflow = match random.below(2) {
        0 => Overflow::Reject,
        _ => Overflow::Wait,
    };
    options.max_batch = count(*pick(random, &[1, 2, 4, 16, 256]));
    options.max_batch_bytes = *pick(random, &[1, 300, 1_000, 4 << 20, 4 << 20]);
    options.cache_aggregates = count(*pick(random, &[1, 2, 3, 100]));
    options.cache_bytes = *pick(random, &[1, 900, 1_300, 3_000, 1 << 20, 1 << 20]);
    options.max_attempts = *pick(random, &[1, 2, 5, 16]);
    options.store_timeout = micros(random, 5_000, 300_000);
    options.settle_for = micros(random, 1_000, 500_000);
    options.snapshot_every = match random.below(6) {
        0 => None,
        every => Some(count(every)),
    };
    options.strict = random.chance(0.1);
    options.page = count(*pick(random, &[1, 2, 5, 100]));
    options.forget_policy = match random.below(3) {
        0 => ForgetPolicy::EraseAll,
        _ => ForgetPolicy::KeepRows,
    };
    options.sole_writer = sole_writer;
    options
}

fn lanes(random: &mut Random) -> LaneOptions {
    LaneOptions::default()
        .with_lanes(1 + random.below(3) as usize)
        .with_max_events(*pick(random, &[1, 3, 256]))
        .with_timeout(micros(random, 20_000, 400_000))
}

fn faults(random: &mut Random, later: Duration) -> Vec<(f64, Fault)> {
    let strength = *pick(random, &[0.0, 0.004, 0.015, 0.05]);
    let all = [
        Fault::Slow(micros(random, 100, 60_000)),
        Fault::Reorder(micros(random, 100, 20_000)),
        Fault::FailBefore,
        Fault::FailAfter,
        Fault::ApplyLater(later),
        Fault::Conflict,
        Fault::Cut,
        Fault::Refuse,
        Fault::CrashBefore,
        Fault::CrashAfter,
    ];
    let mut faults = Vec::new();
    for fault in all {
        let often = match fault {
            Fault::Slow(_) | Fault::Reorder(_) => 4.0,
            Fault::CrashBefore | Fault::CrashAfter | Fault::Refuse => 0.3,
            _ => 1.0,
        };
        if strength > 0.0 && random.chance(0.6) {
            faults.push((strength * often, fault));
        }
    }
    // A store answers after some time, however well it is; else little is ever under way at the same time.
    if random.chance(0.8) {
        faults.push((1.0, Fault::Reorder(micros(random, 20, 3_000))));
    }
    faults
}

fn subscription(random: &mut Random, nth: u64) -> SubscriptionPlan {
    let timeout = random.chance(0.5).then(|| micros(random, 500, 20_000));
    SubscriptionPlan {
        pattern: PATTERNS[random.below(4) as usize],
        concurrency: 1 + random.below(4) as usize,
        timeout,
        slow: micros(random, 1, 8_000),
        panics: *pick(random, &[0.0, 0.1]),
        fails: *pick(random, &[0.0, 0.1]),
        hangs: if timeout.is_some() { 0.05 } else { 0.0 },
        // One of a process only: two that wait for each other would be the user's own deadlock.
        sends: if nth == 0 { *pick(random, &[0.0, 0.3]) } else { 0.0 },
        fallback: random.chance(0.3),
    }
}

fn pick<'a, T>(random: &mut Random, from: &'a [T]) -> &'a T {
    &from[random.below(from.len() as u64) as usize]
}

fn micros(random: &mut Random, least: u64, most: u64) -> Duration {
    // Short ones as often as long ones.
    let span = (most / least).ilog2() as u64 + 1;
    let top = (least << random.below(span + 1)).min(most);
    Duration::from_micros(least + random.below(top - least + 1))
}

fn count(n: u64) -> NonZeroUsize {
    NonZeroUsize::new(n as usize).unwrap_or(NonZeroUsize::MIN)
}
