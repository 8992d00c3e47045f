use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{PoisonError, RwLock};

use asynx_core::drop_caught;
use asynx_core::store::WriterLease;

/// The sole writer's lease, if there is one.
///
/// It is given back only when nothing of ours can be written any more. While a statement of ours may still commit, the
/// next holder's cache would be wrong from its first day: then the lease is kept until the process ends.
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

    pub(crate) fn give_back(&self) {
        let lease = self.lease.write().unwrap_or_else(PoisonError::into_inner).take();
        if self.in_doubt.load(Ordering::SeqCst) {
            std::mem::forget(lease);
        } else {
            drop_caught(lease);
        }
    }
}

impl Drop for Lease {
    fn drop(&mut self) {
        self.give_back();
    }
}
