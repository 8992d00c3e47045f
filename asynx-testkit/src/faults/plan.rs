use super::{AfterCrash, Fault};
use crate::Random;
use crate::layers::Call;

/// Which faults happen to which calls. Drawn anew for each call, in the order of the calls.
#[derive(Debug, Clone)]
pub struct FaultPlan {
    rules: Vec<Rule>,
    seed: u64,
    after_crash: AfterCrash,
}

impl FaultPlan {
    /// No faults yet; the seed decides what is left to chance.
    #[must_use]
    pub const fn seeded(seed: u64) -> Self {
        Self {
            rules: Vec::new(),
            seed,
            after_crash: AfterCrash::Hang,
        }
    }

    /// Adds a rule. All rules that apply to a call are heeded, in the order in which they were added.
    #[must_use]
    pub fn with(mut self, rule: Rule) -> Self {
        self.rules.push(rule);
        self
    }

    /// What calls answer after a crash.
    #[must_use]
    pub const fn after_crash(mut self, after_crash: AfterCrash) -> Self {
        self.after_crash = after_crash;
        self
    }
}

/// When a fault happens.
#[derive(Debug, Clone)]
pub struct Rule {
    fault: Fault,
    calls: Vec<Call>,
    when: When,
}

#[derive(Debug, Clone, Copy)]
enum When {
    Always,
    Nth(u64),
    From(u64),
    Chance(f64),
}

impl Rule {
    /// To every call.
    #[must_use]
    pub fn always(fault: Fault) -> Self {
        Self::new(fault, When::Always)
    }

    /// To the n-th call, from 1, of those that the rule is about.
    #[must_use]
    pub fn nth(n: u64, fault: Fault) -> Self {
        Self::new(fault, When::Nth(n))
    }

    /// To the n-th call, from 1, of those that the rule is about, and to all after it.
    #[must_use]
    pub fn from_nth(n: u64, fault: Fault) -> Self {
        Self::new(fault, When::From(n))
    }

    /// To each call with a probability from 0 to 1.
    #[must_use]
    pub fn chance(probability: f64, fault: Fault) -> Self {
        Self::new(fault, When::Chance(probability))
    }

    /// Is about these calls only; else about all.
    #[must_use]
    pub fn on(mut self, calls: impl IntoIterator<Item = Call>) -> Self {
        self.calls = calls.into_iter().collect();
        self
    }

    fn new(fault: Fault, when: When) -> Self {
        Self {
            fault,
            calls: Call::ALL.to_vec(),
            when,
        }
    }
}

/// A plan that is being carried out.
#[derive(Debug)]
pub(super) struct Carried {
    plan: FaultPlan,
    /// How many calls each rule has been about so far.
    seen: Vec<u64>,
    pub(super) random: Random,
    pub(super) crashed: bool,
}

impl Carried {
    pub(super) fn new(plan: FaultPlan) -> Self {
        Self {
            seen: vec![0; plan.rules.len()],
            random: Random::seeded(plan.seed),
            crashed: false,
            plan,
        }
    }

    pub(super) const fn after_crash(&self) -> AfterCrash {
        self.plan.after_crash
    }

    /// The faults of the next call.
    pub(super) fn draw(&mut self, call: Call) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (rule, seen) in self.plan.rules.iter().zip(&mut self.seen) {
            if !rule.calls.contains(&call) {
                continue;
            }
            *seen += 1;
            let applies = match rule.when {
                When::Always => true,
                When::Nth(n) => *seen == n,
                When::From(n) => *seen >= n,
                When::Chance(probability) => self.random.chance(probability),
            };
            if applies {
                faults.push(rule.fault);
            }
        }
        faults
    }
}
