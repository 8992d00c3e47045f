use std::convert::Infallible;
use std::sync::{Mutex, PoisonError};

use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::Shared;

/// Wakes those who wait for the log to grow through this store.
pub(crate) struct Growth(Mutex<Signal>);

/// Sends nothing: dropping it is the signal.
struct Signal {
    _held: oneshot::Sender<Infallible>,
    dropped: Grown,
}

/// Ends with the next append.
pub(crate) type Grown = Shared<oneshot::Receiver<Infallible>>;

impl Growth {
    /// To be asked for before one looks at the log, or an append in between is missed.
    pub(crate) fn next(&self) -> Grown {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).dropped.clone()
    }

    pub(crate) fn announce(&self) {
        let fresh = Signal::new();
        let old = std::mem::replace(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner), fresh);
        // After the lock: this wakes foreign code.
        drop(old);
    }
}

impl Default for Growth {
    fn default() -> Self {
        Self(Mutex::new(Signal::new()))
    }
}

impl Signal {
    fn new() -> Self {
        let (held, dropped) = oneshot::channel();
        Self {
            _held: held,
            dropped: dropped.shared(),
        }
    }
}
