use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use futures::channel::oneshot;

use crate::given::Done;

/// Counts the events that handlers caused and that have not ended, for `idle`: whoever waits for an event to be dealt
/// with waits for what its handlers set off, too.
#[derive(Default)]
pub(crate) struct Activity {
    caused: AtomicUsize,
    waiting: Mutex<Vec<Done>>,
}

impl Activity {
    /// One more event that a handler caused, until the value is dropped.
    pub(crate) fn caused(self: &Arc<Self>) -> Caused {
        self.caused.fetch_add(1, Ordering::SeqCst);
        Caused(Arc::clone(self))
    }

    /// Ends at a moment when no such event is queued or running.
    pub(crate) async fn quiet(&self) {
        let (done, quiet) = oneshot::channel();
        {
            let mut waiting = self.waiting();
            if self.caused.load(Ordering::SeqCst) == 0 {
                return;
            }
            waiting.retain(|waiter| !waiter.is_canceled());
            waiting.push(done);
        }
        let _ = quiet.await;
    }

    fn waiting(&self) -> MutexGuard<'_, Vec<Done>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An event that a handler caused, until it has ended in one queue.
pub(crate) struct Caused(Arc<Activity>);

impl Drop for Caused {
    fn drop(&mut self) {
        if self.0.caused.fetch_sub(1, Ordering::SeqCst) == 1 {
            let ended = std::mem::take(&mut *self.0.waiting());
            drop(ended);
        }
    }
}
