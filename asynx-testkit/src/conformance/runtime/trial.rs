use std::fmt::Display;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use asynx_core::Runtime;

use crate::conformance::{Law, LawBroken};

/// What a check ends with.
pub(super) type Kept<T = ()> = Result<T, LawBroken>;

/// One check of one runtime: what it works with, and how it tells what it saw.
pub struct Trial {
    pub(super) law: Law,
    pub(super) check: &'static str,
    pub(super) fixture: String,
    pub(super) runtime: Arc<dyn Runtime>,
    pub(super) patience: Duration,
    /// Ends the runtime, where it has an end.
    pub(super) end: Option<Box<dyn FnOnce()>>,
}

impl Trial {
    /// The law is broken.
    #[must_use]
    pub fn broken(&self, seen: impl Into<String>) -> LawBroken {
        LawBroken {
            law: self.law,
            check: self.check,
            fixture: self.fixture.clone(),
            seen: seen.into(),
        }
    }

    pub(super) fn ensure(&self, kept: bool, seen: impl Into<String>) -> Kept {
        match kept {
            true => Ok(()),
            false => Err(self.broken(seen)),
        }
    }

    /// Waits for what a task sends, on this thread, by the machine's clock: the runtime's own may be what is broken.
    pub(super) fn received<T>(&self, what: impl Display, sent: &Receiver<T>) -> Kept<T> {
        let received = sent.recv_timeout(self.patience);
        received.map_err(|error| self.broken(format!("{what}: {error}, after at most {:?}", self.patience)))
    }

    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(Box::pin(task));
    }
}
