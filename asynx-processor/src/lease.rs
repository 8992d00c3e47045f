use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

use asynx_core::drop_caught;
use asynx_core::store::WriterLease;

/// The sole writer's lease, if there is one.
///
/// A shutdown gives it back, unless a statement of ours may still commit: the next holder's cache would be wrong from its
/// first day. When everything is dropped it goes in any case, as it does when a process dies: there the store must fence.
pub(crate) struct Lease {
    lease: RwLock<Option<Box<dyn WriterLease>>>,
    in_doubt: AtomicBool,
}

impl Lease {
    pub(crate) fn new(lease: Option<Box<dyn WriterLease>>) -> Self {
        Self {
            lease: RwLock::new(lease),
            in_doubt: AtomicBool::new(false),
        }
    }

    pub(crate) fn is_held(&self) -> bool {
        let lease = self.lease.read().unwrap_or_else(PoisonError::into_inner);
        lease.as_ref().is_some_and(|lease| lease.is_held())
    }

    /// An append of ours has no answer.
    pub(crate) fn doubt(&self) {
        self.in_doubt.store(true, Ordering::SeqCst);
    }

    /// Unless a statement of ours may still commit: then it is kept until the last handle is dropped.
    pub(crate) fn give_back(&self) {
        if self.in_doubt.load(Ordering::SeqCst) {
            return;
        }
        let lease = self.lease.write().unwrap_or_else(PoisonError::into_inner).take();
        drop_caught(lease);
    }
}
