/// One run of a program, and what it is worth: what is measured of it may be several figures.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Measurement {
    /// The name of the program in `asynx-bench`.
    pub(super) program: &'static str,
    /// The scenario and its parameters.
    pub(super) scenario: &'static str,
    pub(super) cost: Cost,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cost {
    /// As often and as long as the options say.
    Usual,
    /// Takes long to prepare, and measures several times by itself or is not compared: one round in a quick run, at most three in
    /// a full one.
    Dear,
}

impl Measurement {
    pub(super) fn needs_database(&self) -> bool {
        self.scenario.starts_with("postgres-")
    }

    /// Whether the program starts servers of NATS.
    pub(super) fn needs_nats(&self) -> bool {
        self.scenario.starts_with("jetstream-")
    }

    /// Whether the program has to be run in this round.
    pub(super) fn is_due(&self, round: usize, quick: bool) -> bool {
        match self.cost {
            Cost::Usual => true,
            Cost::Dear => round < if quick { 1 } else { 3 },
        }
    }

    pub(super) fn name(&self) -> String {
        format!("{} {}", self.program, self.scenario)
    }
}
