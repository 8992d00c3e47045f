use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use asynx_core::bus::Hooks;
use asynx_core::store::SnapshotStore;
use asynx_core::{Aggregate, AggregateId, Bus, Category, EventName, Runtime, StreamId, Upcast};
use asynx_observe::{Moment, WriteFigures};

use crate::cache::Cache;
use crate::calls::Calls;
use crate::lease::Lease;
use crate::options::Options;
use crate::route::shard_of;
use crate::sabotage::Sabotage;
use crate::snapshots::Snapshots;
use crate::tasks::Tasks;

/// What workers, readers and the handle share. It holds no queue's sending end: when the last handle goes, the
/// queues close and the workers end.
pub(crate) struct Shared<A: Aggregate> {
    pub(crate) category: Category,
    pub(crate) calls: Calls,
    /// A snapshot store of its own, where the user gave one.
    pub(crate) dedicated_snapshots: Option<Arc<dyn SnapshotStore>>,
    pub(crate) bus: Arc<dyn Bus<A>>,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) upcast: Arc<dyn Upcast>,
    pub(crate) hooks: Hooks<A>,
    pub(crate) options: Options,
    pub(crate) figures: WriteFigures,
    pub(crate) caches: Vec<Cache<A>>,
    pub(crate) snapshots: Snapshots<A>,
    pub(crate) tasks: Tasks,
    pub(crate) lease: Lease,
    /// The kinds of events whose state has been read back once (law D8).
    pub(crate) verified: Mutex<HashSet<String>>,
    pub(crate) closing: AtomicBool,
}

/// The most kinds of events that are remembered as read back; of others every event is read back.
const MAX_VERIFIED: usize = 4_096;

impl<A: Aggregate> Shared<A> {
    pub(crate) fn stream(&self, id: &AggregateId) -> StreamId {
        StreamId {
            category: self.category.clone(),
            aggregate_id: id.clone(),
        }
    }

    pub(crate) fn cache(&self, id: &AggregateId) -> &Cache<A> {
        &self.caches[shard_of(id.as_str(), self.caches.len())]
    }

    /// Whether what is cached is current without asking the store.
    pub(crate) fn is_sole_writer(&self) -> bool {
        self.lease.is_held()
    }

    pub(crate) fn is_sabotaged(&self, by: Sabotage) -> bool {
        self.options.is_sabotaged(by)
    }

    pub(crate) fn moment(&self) -> Moment {
        Moment::now(&*self.runtime)
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.closing.load(Ordering::SeqCst)
    }

    /// Whether an event of this name is to be read back before its append.
    pub(crate) fn wants_verifying(&self, name: &EventName) -> bool {
        self.options.strict || !self.verified().contains(kind(name))
    }

    pub(crate) fn verified_once(&self, name: &EventName) {
        let mut verified = self.verified();
        if verified.len() < MAX_VERIFIED {
            verified.insert(kind(name).to_owned());
        }
    }

    fn verified(&self) -> std::sync::MutexGuard<'_, HashSet<String>> {
        self.verified.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The name without a third dotted segment, which is often an id: `order.created.ORD-1` is of the kind `order.created`.
fn kind(name: &EventName) -> &str {
    match name.as_str().match_indices('.').nth(1) {
        Some((at, _)) => &name.as_str()[..at],
        None => name.as_str(),
    }
}
