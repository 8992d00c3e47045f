use super::words::{Answer, Call};

/// What was found.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Verdict {
    pub(super) accepted: u64,
    pub(super) rejected: u64,
    pub(super) read: u64,
    /// Calls that were told something that was not true when it was told.
    pub(super) untrue: u64,
    pub(super) examples: Vec<String>,
}

/// More would not be read.
const EXAMPLES: usize = 10;

/// Holds what calls were told against what is stored: the balances after each version, from the first on.
pub(super) fn judge(stored: &[i64], calls: &[Call]) -> Verdict {
    let mut verdict = Verdict::default();
    let times = Times::of(stored.len(), calls);
    for call in calls {
        let told = match call.answer {
            Answer::Accepted {
                amount,
                version,
                balance,
            } => {
                verdict.accepted += 1;
                accepted(stored, amount, version, balance).and_then(|()| times.in_order(call, version))
            }
            Answer::Rejected {
                amount,
                version,
                balance,
            } => {
                verdict.rejected += 1;
                let is_reason = if balance + amount < 0 {
                    Ok(())
                } else {
                    Err("it could have been paid")
                };
                is_reason
                    .and_then(|()| stands(stored, version, balance))
                    .and_then(|()| times.was_newest(call, version))
            }
            Answer::Read { version, balance } => {
                verdict.read += 1;
                stands(stored, version, balance).and_then(|()| times.was_newest(call, version))
            }
            Answer::Failed | Answer::Unknown => Ok(()),
        };
        if let Err(why) = told {
            verdict.untrue += 1;
            if verdict.examples.len() < EXAMPLES {
                verdict.examples.push(format!("{why}: {call:?}"));
            }
        }
    }
    let twice = calls.iter().filter_map(version_of_accepted).collect::<Vec<_>>();
    let mut once = twice.clone();
    once.sort_unstable();
    once.dedup();
    let repeated = (twice.len() - once.len()) as u64;
    if repeated > 0 {
        verdict.untrue += repeated;
        verdict
            .examples
            .push(format!("{repeated} versions were given to two calls"));
    }
    verdict
}

type Told = Result<(), &'static str>;

/// Whether a version is what that call made of the one before.
fn accepted(stored: &[i64], amount: i64, version: u64, balance: i64) -> Told {
    stands(stored, version, balance)?;
    let before = balance_at(stored, version - 1);
    match before.is_some_and(|before| before + amount == balance && balance >= 0) {
        true => Ok(()),
        false => Err("it does not follow on the version before"),
    }
}

/// Whether that was the balance at a version.
fn stands(stored: &[i64], version: u64, balance: i64) -> Told {
    match balance_at(stored, version) == Some(balance) {
        true => Ok(()),
        false => Err("that version is another"),
    }
}

fn balance_at(stored: &[i64], version: u64) -> Option<i64> {
    match version.checked_sub(1) {
        None => Some(0),
        Some(at) => stored.get(usize::try_from(at).ok()?).copied(),
    }
}

fn version_of_accepted(call: &Call) -> Option<u64> {
    match call.answer {
        Answer::Accepted { version, .. } => Some(version),
        _ => None,
    }
}

/// When versions came to be, as far as that is known; by version, from 0.
struct Times {
    /// Not before that.
    earliest: Vec<u64>,
    /// By then this version or a later one was there.
    latest: Vec<u64>,
}

impl Times {
    fn of(versions: usize, calls: &[Call]) -> Self {
        let mut earliest = vec![0; versions + 1];
        let mut latest = vec![u64::MAX; versions + 1];
        for call in calls {
            let version = version_of_accepted(call).and_then(|version| usize::try_from(version).ok());
            if let Some(version) = version.filter(|version| *version <= versions) {
                earliest[version] = call.from;
                latest[version] = call.to;
            }
        }
        // A version cannot be older than those before it, nor younger than those behind it.
        for version in 1..=versions {
            earliest[version] = earliest[version].max(earliest[version - 1]);
        }
        for version in (0..versions).rev() {
            latest[version] = latest[version].min(latest[version + 1]);
        }
        latest[0] = 0;
        Self { earliest, latest }
    }

    /// Whether a version was the newest at some moment of a call.
    fn was_newest(&self, call: &Call, version: u64) -> Told {
        let at = usize::try_from(version).unwrap_or(usize::MAX);
        if self.earliest.get(at).is_none_or(|earliest| *earliest > call.to) {
            return Err("that version came later");
        }
        if self.latest.get(at + 1).is_some_and(|latest| *latest < call.from) {
            return Err("that version was outdated when the call began");
        }
        Ok(())
    }

    /// Whether the call can have made a version at that place of the order.
    fn in_order(&self, call: &Call, version: u64) -> Told {
        self.was_newest(call, version)?;
        self.was_newest(call, version - 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn call(from: u64, to: u64, answer: Answer) -> Call {
        Call { from, to, answer }
    }

    const fn accepted(from: u64, to: u64, amount: i64, version: u64, balance: i64) -> Call {
        call(
            from,
            to,
            Answer::Accepted {
                amount,
                version,
                balance,
            },
        )
    }

    const fn rejected(from: u64, to: u64, amount: i64, version: u64, balance: i64) -> Call {
        call(
            from,
            to,
            Answer::Rejected {
                amount,
                version,
                balance,
            },
        )
    }

    const fn read(from: u64, to: u64, version: u64, balance: i64) -> Call {
        call(from, to, Answer::Read { version, balance })
    }

    /// Three payments, one after the other, and another call.
    fn untrue(other: &[Call]) -> u64 {
        let payments = [
            accepted(100, 200, 50, 1, 50),
            accepted(300, 400, -20, 2, 30),
            accepted(500, 600, 70, 3, 100),
        ];
        let verdict = judge(&[50, 30, 100], &[&payments, other].concat());
        assert_eq!(verdict.examples.is_empty(), verdict.untrue == 0);
        verdict.untrue
    }

    #[test]
    fn what_was_true_during_the_call_is_true() {
        assert_eq!(untrue(&[]), 0);
        // While version 2 was the newest, and while it may have come to be or been replaced.
        for (from, to) in [(410, 490), (250, 310), (450, 590), (550, 700), (150, 900)] {
            assert_eq!(untrue(&[rejected(from, to, -40, 2, 30)]), 0, "{from} to {to}");
            assert_eq!(untrue(&[read(from, to, 2, 30)]), 0, "{from} to {to}");
        }
        assert_eq!(untrue(&[rejected(10, 90, -1, 0, 0), rejected(10, 150, -1, 0, 0)]), 0);
        assert_eq!(untrue(&[call(1, 2, Answer::Failed), call(1, 2, Answer::Unknown)]), 0);
    }

    #[test]
    fn an_outdated_rejection_is_untrue() {
        assert_eq!(untrue(&[rejected(610, 700, -40, 2, 30)]), 1);
        assert_eq!(untrue(&[read(410, 490, 1, 50)]), 1);
        assert_eq!(untrue(&[rejected(250, 290, -1, 0, 0)]), 1);
    }

    #[test]
    fn a_version_outdates_those_before_it_though_its_own_answer_is_late() {
        let late = [
            accepted(100, 200, 50, 1, 50),
            accepted(210, 9_000, -20, 2, 30),
            accepted(220, 400, 70, 3, 100),
        ];
        let stale = read(500, 600, 1, 50);
        assert_eq!(judge(&[50, 30, 100], &[&late[..], &[stale]].concat()).untrue, 1);
    }

    #[test]
    fn a_rejection_by_what_was_not_there_yet_is_untrue() {
        assert_eq!(untrue(&[rejected(210, 290, -40, 2, 30)]), 1);
        assert_eq!(untrue(&[read(700, 800, 4, 10)]), 1);
    }

    #[test]
    fn a_rejection_without_a_reason_is_untrue() {
        assert_eq!(untrue(&[rejected(410, 490, -30, 2, 30)]), 1);
        assert_eq!(untrue(&[rejected(410, 490, -40, 2, 20)]), 1);
    }

    #[test]
    fn versions_follow_each_other_in_time() {
        let swapped = [accepted(300, 400, 50, 1, 50), accepted(100, 200, -20, 2, 30)];
        assert!(judge(&[50, 30], &swapped).untrue > 0);
        let same = [accepted(100, 200, 50, 1, 50), accepted(100, 200, 50, 1, 50)];
        assert_eq!(judge(&[50], &same).untrue, 1);
        let wrong = [accepted(100, 200, 50, 1, 50), accepted(300, 400, -20, 2, 40)];
        assert_eq!(judge(&[50, 40], &wrong).untrue, 1);
    }
}
