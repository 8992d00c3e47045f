use anyhow::{Context as _, Result};

/// A call that was answered, and when, in nanoseconds since 1970: the machine's clock is the same for all processes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Call {
    /// Not later than its true beginning.
    pub(super) from: u64,
    /// Not earlier than its true end.
    pub(super) to: u64,
    pub(super) answer: Answer,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// A payment became a version.
    Accepted { amount: i64, version: u64, balance: i64 },
    /// A payment was refused because of what was there at a version; 0 before the first.
    Rejected { amount: i64, version: u64, balance: i64 },
    /// The account was read.
    Read { version: u64, balance: i64 },
    /// Nothing was stored, for another reason.
    Failed,
    /// Nobody knows whether it was stored.
    Unknown,
}

impl Call {
    pub(super) fn tell(&self) -> String {
        let answer = match self.answer {
            Answer::Accepted {
                amount,
                version,
                balance,
            } => format!("accepted {amount} {version} {balance}"),
            Answer::Rejected {
                amount,
                version,
                balance,
            } => format!("rejected {amount} {version} {balance}"),
            Answer::Read { version, balance } => format!("read 0 {version} {balance}"),
            Answer::Failed => "failed 0 0 0".to_owned(),
            Answer::Unknown => "unknown 0 0 0".to_owned(),
        };
        format!("{} {} {answer}", self.from, self.to)
    }

    pub(super) fn told(line: &str) -> Result<Self> {
        let understood = || -> Option<Self> {
            let mut words = line.split(' ');
            let (from, to) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
            let what = words.next()?;
            let amount = words.next()?.parse().ok()?;
            let version = words.next()?.parse().ok()?;
            let balance = words.next()?.parse().ok()?;
            let answer = match what {
                "accepted" => Answer::Accepted {
                    amount,
                    version,
                    balance,
                },
                "rejected" => Answer::Rejected {
                    amount,
                    version,
                    balance,
                },
                "read" => Answer::Read { version, balance },
                "failed" => Answer::Failed,
                "unknown" => Answer::Unknown,
                _ => return None,
            };
            Some(Self { from, to, answer })
        };
        understood().with_context(|| format!("`{line}` is not understood"))
    }
}
