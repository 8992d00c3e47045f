use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crate::lock_file::LockFile;

/// One time of owning a category. When it is dropped, the lock goes, and the next term may begin.
pub(crate) struct Term {
    /// The number of the term: what fences those who do not know yet that theirs is over.
    generation: i64,
    /// `None` in memory, where there are no other processes.
    lock: Option<LockFile>,
    lost: AtomicBool,
    /// Shared with each append that was begun under it and has not ended.
    begun: Arc<()>,
}

/// An append under a term, which lasts as long.
pub(crate) struct Begun {
    _term: Arc<Term>,
    _begun: Arc<()>,
}

impl Term {
    pub(crate) fn new(generation: i64, lock: Option<LockFile>) -> Self {
        Self {
            generation,
            lock,
            lost: AtomicBool::new(false),
            begun: Arc::new(()),
        }
    }

    pub(crate) fn begin(self: &Arc<Self>) -> Begun {
        Begun {
            _term: Arc::clone(self),
            _begun: Arc::clone(&self.begun),
        }
    }

    /// Whether another term may begin: this one is lost, and nothing that was begun under it can still be stored.
    pub(crate) fn is_over(&self) -> bool {
        !self.is_held() && Arc::strong_count(&self.begun) == 1
    }

    pub(crate) const fn generation(&self) -> i64 {
        self.generation
    }

    pub(crate) fn lose(&self) {
        self.lost.store(true, Ordering::SeqCst);
    }

    /// Once false, it stays false.
    pub(crate) fn is_held(&self) -> bool {
        if self.lock.as_ref().is_some_and(|lock| !lock.is_in_place()) {
            self.lose();
        }
        !self.lost.load(Ordering::SeqCst)
    }
}
