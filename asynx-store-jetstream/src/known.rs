use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};

use asynx_core::StreamId;
use lru::LruCache;

/// What this handle saw last of each stream, with its sequence. It may be outdated; the server finds that out when
/// something is stored on the strength of it.
pub(crate) struct Known<T>(Mutex<LruCache<StreamId, T>>);

/// What is newer than what.
pub(crate) trait Sequenced {
    fn seq(&self) -> u64;
}

impl<T: Sequenced + Clone> Known<T> {
    pub(crate) fn new(most: usize) -> Self {
        let most = NonZeroUsize::new(most).unwrap_or(NonZeroUsize::MIN);
        Self(Mutex::new(LruCache::new(most)))
    }

    pub(crate) fn get(&self, stream: &StreamId) -> Option<T> {
        self.lock().get(stream).cloned()
    }

    pub(crate) fn put(&self, stream: &StreamId, seen: T) {
        let mut known = self.lock();
        // Answers may come in another order than what they tell of.
        if known.peek(stream).is_none_or(|known| known.seq() <= seen.seq()) {
            known.put(stream.clone(), seen);
        }
    }

    fn lock(&self) -> MutexGuard<'_, LruCache<StreamId, T>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T> Sequenced for (u64, T) {
    fn seq(&self) -> u64 {
        self.0
    }
}
