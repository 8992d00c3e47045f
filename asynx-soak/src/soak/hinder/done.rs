use std::fmt;
use std::ops::AddAssign;
use std::time::Duration;

/// What stood in the way.
#[derive(Debug, Clone, Copy, Default)]
pub(in crate::soak) struct Done {
    transactions: u64,
    pub(super) killed: u64,
    /// So many of those that were killed led the stream.
    pub(super) led: u64,
    pub(super) cuts: u64,
    pub(super) outages: Outages,
}

/// Times without a majority, and what appends were told meanwhile.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Outages {
    pub(super) count: u64,
    pub(super) lasted: Duration,
    pub(super) not_applied: u64,
    pub(super) unknown: u64,
    /// So many of these are known to be stored or not, by appending again.
    pub(super) settled: u64,
}

impl Done {
    pub(super) fn transactions(transactions: u64) -> Self {
        Self {
            transactions,
            ..Self::default()
        }
    }
}

impl AddAssign for Done {
    fn add_assign(&mut self, other: Self) {
        self.transactions += other.transactions;
        self.killed += other.killed;
        self.led += other.led;
        self.cuts += other.cuts;
        self.outages.count += other.outages.count;
        self.outages.lasted += other.outages.lasted;
        self.outages.not_applied += other.outages.not_applied;
        self.outages.unknown += other.outages.unknown;
        self.outages.settled += other.outages.settled;
    }
}

impl fmt::Display for Done {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.killed == 0 {
            return write!(f, "{} transactions of strangers", self.transactions);
        }
        let Self {
            killed,
            led,
            cuts,
            outages,
            ..
        } = self;
        write!(
            f,
            "{killed} servers killed, {led} of them led, connections cut {cuts} times"
        )?;
        let Outages {
            count,
            lasted,
            not_applied,
            unknown,
            settled,
        } = outages;
        write!(
            f,
            "\nsoak: without a majority {count} times, {:.0} s in all: acknowledged 0 not applied {not_applied} unknown \
             {unknown} settled {settled}",
            lasted.as_secs_f64()
        )
    }
}
