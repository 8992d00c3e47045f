use std::sync::{Mutex, PoisonError};

use event_listener::Event;

/// What a projection is asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    Run,
    Pause,
    Stop,
}

/// How a runner is told what to do.
#[derive(Debug)]
pub(crate) struct Control {
    wish: Mutex<(Wish, u64)>,
    changed: Event,
}

impl Control {
    pub(crate) fn new() -> Self {
        Self {
            wish: Mutex::new((Wish::Run, 0)),
            changed: Event::new(),
        }
    }

    /// A stopped one stays stopped.
    pub(crate) fn wish(&self, wish: Wish) {
        let mut now = self.wish.lock().unwrap_or_else(PoisonError::into_inner);
        if now.0 != Wish::Stop {
            *now = (wish, now.1 + 1);
        }
        drop(now);
        self.changed.notify(usize::MAX);
    }

    pub(super) fn get(&self) -> (Wish, u64) {
        *self.wish.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn runs(&self) -> bool {
        self.get().0 == Wish::Run
    }

    /// Ends when something else is wished for, or the same once more.
    pub(super) async fn changed(&self, since: u64) {
        loop {
            let listener = self.changed.listen();
            if self.get().1 != since {
                return;
            }
            listener.await;
        }
    }
}
