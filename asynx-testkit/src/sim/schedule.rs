use crate::Random;

/// How the next task is picked among the ready ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Schedule {
    /// Each with the same probability.
    #[default]
    Uniform,
    /// Every task has a random urgency, which now and then changes, and the most urgent goes on: some tasks starve for
    /// long stretches. Finds what takes many steps in a row of few tasks.
    Urgency,
}

/// The ready tasks.
pub(super) struct Scheduler {
    schedule: Schedule,
    random: Random,
    /// With their urgency.
    ready: Vec<(u64, u64)>,
    salt: u64,
}

/// Urgencies are drawn anew after so many picks, on average.
const CHANGE_EVERY: u64 = 64;

/// The most microseconds that one step takes.
const LONGEST_STEP: u64 = 16;

impl Scheduler {
    pub(super) const fn new(schedule: Schedule, random: Random) -> Self {
        Self {
            schedule,
            random,
            ready: Vec::new(),
            salt: 0,
        }
    }

    pub(super) fn ready(&mut self, task: u64) {
        self.ready.push((task, self.urgency(task)));
    }

    pub(super) const fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    pub(super) fn forget(&mut self, task: u64) {
        self.ready.retain(|(ready, _)| *ready != task);
    }

    /// The next task.
    pub(super) fn pick(&mut self) -> Option<u64> {
        if self.ready.is_empty() {
            return None;
        }
        let at = match self.schedule {
            Schedule::Uniform => self.random.below(self.ready.len() as u64) as usize,
            Schedule::Urgency => self.most_urgent(),
        };
        Some(self.ready.swap_remove(at).0)
    }

    fn most_urgent(&mut self) -> usize {
        if self.random.below(CHANGE_EVERY) == 0 {
            self.salt = self.random.bits();
            for at in 0..self.ready.len() {
                self.ready[at].1 = self.urgency(self.ready[at].0);
            }
        }
        let urgencies = self.ready.iter().enumerate();
        urgencies
            .max_by_key(|(_, (task, urgency))| (*urgency, *task))
            .map_or(0, |(at, _)| at)
    }

    const fn urgency(&self, task: u64) -> u64 {
        Random::seeded(task ^ self.salt).bits()
    }

    /// How long the step takes.
    pub(super) const fn step(&mut self) -> u64 {
        self.random.below(LONGEST_STEP + 1)
    }
}
