use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::time::Duration;

use anyhow::{Result, bail};

use super::words::{Answer, Call, Stored, Word};
use crate::clock::Stopwatch;

/// What clients sent, and what they were answered.
#[derive(Default)]
pub(super) struct Ledger {
    payments: BTreeMap<String, Known>,
    /// Calls under way, by process and token.
    open: HashMap<(usize, String), Stopwatch>,
    acknowledged: usize,
    pub(super) slowest: Duration,
    /// Appends of which the store could not tell what became.
    pub(super) doubts: u64,
    pub(super) unknown: u64,
    pub(super) failed: u64,
    pub(super) rejected: u64,
}

/// What is known of a payment.
#[derive(Debug)]
pub(super) struct Known {
    pub(super) call: Call,
    /// What was acknowledged; more than once where it was sent again.
    pub(super) stored: Vec<Stored>,
    /// It may be stored, though nobody was told.
    pub(super) in_doubt: bool,
    /// Who sent it last, or is to, and whether that one was told what became of it.
    last: (usize, bool),
}

impl Ledger {
    /// Takes down what a process said.
    pub(super) fn take(&mut self, process: usize, word: Word) -> Result<()> {
        match word {
            Word::Ready | Word::Note(_) => {}
            Word::Doubts(count) => self.doubts += count,
            Word::Sent(call) => self.sent(process, call),
            Word::Answered(token, answer) => {
                let Some(sent) = self.open.remove(&(process, token.clone())) else {
                    bail!("process {process} was answered to {token}, which it did not send");
                };
                self.slowest = self.slowest.max(sent.elapsed());
                self.answered(process, &token, answer);
            }
        }
        Ok(())
    }

    fn sent(&mut self, process: usize, call: Call) {
        let token = call.payment.token.clone();
        self.open.insert((process, token.clone()), Stopwatch::start());
        let known = self.payments.entry(token).or_insert_with(|| Known {
            call,
            stored: Vec::new(),
            in_doubt: false,
            last: (process, false),
        });
        known.last = (process, false);
    }

    fn answered(&mut self, process: usize, token: &str, answer: Answer) {
        let Some(known) = self.payments.get_mut(token) else {
            return;
        };
        known.last = (process, answer != Answer::Unknown);
        match answer {
            Answer::Stored(stored) => {
                self.acknowledged += usize::from(known.stored.is_empty());
                known.stored.push(stored);
            }
            Answer::Rejected => self.rejected += 1,
            Answer::Failed => self.failed += 1,
            Answer::Unknown => {
                self.unknown += 1;
                known.in_doubt = true;
            }
        }
    }

    /// A process is to send calls again that others left.
    pub(super) fn left_to(&mut self, process: usize, calls: &[Call]) {
        for call in calls {
            if let Some(known) = self.payments.get_mut(&call.payment.token) {
                known.last = (process, false);
            }
        }
    }

    /// A process died: what it had sent may be stored. The calls with keys that somebody has to send again.
    pub(super) fn died(&mut self, process: usize) -> Vec<Call> {
        self.open.retain(|(owner, _), _| *owner != process);
        let mut again = Vec::new();
        for known in self
            .payments
            .values_mut()
            .filter(|known| known.last == (process, false))
        {
            known.in_doubt = true;
            if known.call.keyed {
                again.push(known.call.clone());
            }
        }
        again
    }

    /// Calls that are under way in living processes.
    pub(super) fn open(&self) -> usize {
        self.open.len()
    }

    /// Payments with keys of which the client does not know what became of them.
    pub(super) fn unsettled(&self) -> usize {
        let unsettled = |known: &&Known| known.call.keyed && !known.last.1;
        self.payments.values().filter(unsettled).count()
    }

    /// How many payments were acknowledged.
    pub(super) const fn acknowledged(&self) -> usize {
        self.acknowledged
    }

    pub(super) fn payments(&self) -> &BTreeMap<String, Known> {
        &self.payments
    }

    pub(super) fn accounts(&self) -> BTreeSet<&str> {
        let accounts = self.payments.values().map(|known| known.call.payment.account.as_str());
        accounts.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bank::Payment;

    fn sent(ledger: &mut Ledger, process: usize, token: &str) -> Call {
        let payment = Payment {
            account: "a".to_owned(),
            token: token.to_owned(),
            amount: 1,
        };
        let call = Call { payment, keyed: true };
        ledger.take(process, Word::Sent(call.clone())).unwrap();
        call
    }

    fn answered(ledger: &mut Ledger, process: usize, token: &str, answer: Answer) {
        ledger.take(process, Word::Answered(token.to_owned(), answer)).unwrap();
    }

    #[test]
    fn what_a_dead_process_left_is_handed_on_until_it_is_answered() {
        let mut ledger = Ledger::default();
        let calls = [sent(&mut ledger, 0, "x"), sent(&mut ledger, 0, "y")];
        answered(&mut ledger, 0, "y", Answer::Unknown);
        sent(&mut ledger, 0, "z");
        answered(&mut ledger, 0, "z", Answer::Rejected);
        assert_eq!(ledger.died(0), calls);
        assert_eq!((ledger.open(), ledger.unsettled()), (0, 2));

        ledger.left_to(1, &calls);
        sent(&mut ledger, 1, "x");
        answered(&mut ledger, 1, "x", Answer::Failed);
        // It did not come to send the other one.
        assert_eq!(ledger.died(1), calls[1..]);
        assert_eq!(ledger.unsettled(), 1);
    }
}
