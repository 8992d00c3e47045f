use std::sync::atomic::{AtomicBool, Ordering};

use crate::lock_file::LockFile;

/// One time of owning a category. When it is dropped, the lock goes, and the next term may begin.
pub(crate) struct Term {
    /// The number of the term: what fences those who do not know yet that theirs is over.
    generation: i64,
    /// `None` in memory, where there are no other processes.
    lock: Option<LockFile>,
    lost: AtomicBool,
}

impl Term {
    pub(crate) const fn new(generation: i64, lock: Option<LockFile>) -> Self {
        Self {
            generation,
            lock,
            lost: AtomicBool::new(false),
        }
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
