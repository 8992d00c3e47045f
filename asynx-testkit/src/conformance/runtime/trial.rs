use std::fmt::Display;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::mpsc::Receiver;
use std::time::Duration;

use asynx_core::Runtime;

use crate::conformance::check::Kept;
use crate::conformance::witness::Witness;

/// One check of one runtime: what it works with, and how it tells what it saw.
pub struct Trial {
    pub(super) witness: Witness,
    pub(super) runtime: Arc<dyn Runtime>,
    pub(super) patience: Duration,
    /// Ends the runtime, where it has an end.
    pub(super) end: Option<Box<dyn FnOnce() + Send>>,
}

impl Deref for Trial {
    type Target = Witness;

    fn deref(&self) -> &Witness {
        &self.witness
    }
}

impl Trial {
    /// Waits for what a task sends, on this thread, by the machine's clock: the runtime's own may be what is broken.
    #[track_caller]
    pub(super) fn received<T>(&self, what: impl Display, sent: &Receiver<T>) -> Kept<T> {
        let received = sent.recv_timeout(self.patience);
        let late = |error| self.broken(format!("{what}: {error}, after at most {:?}", self.patience));
        self.asked(received.map_err(late))
    }

    pub(super) fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        self.runtime.spawn(Box::pin(task));
    }
}
