use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use asynx_core::bus::{Hooks, SnapshotTrouble};
use asynx_core::store::{Snapshot, SnapshotStore};
use asynx_core::{Aggregate, AggregateId, Runtime, StoreError, StreamId};
use bytes::Bytes;

use crate::calls::Calls;
use crate::held::Held;
use crate::shared::Shared;
use crate::tasks::Tasks;

/// Writes snapshots after their events: one write in flight per aggregate, the newest wins.
pub(crate) struct Snapshots<A>(Arc<Inner<A>>);

struct Inner<A> {
    calls: Calls,
    dedicated: Option<Arc<dyn SnapshotStore>>,
    runtime: Arc<dyn Runtime>,
    hooks: Hooks<A>,
    tasks: Tasks,
    /// The aggregates that are being written, with what is to be written next.
    writing: Mutex<HashMap<AggregateId, Option<Snapshot>>>,
}

impl<A: Aggregate> Snapshots<A> {
    pub(crate) fn new(
        calls: Calls,
        dedicated: Option<Arc<dyn SnapshotStore>>,
        runtime: Arc<dyn Runtime>,
        hooks: Hooks<A>,
        tasks: Tasks,
    ) -> Self {
        Self(Arc::new(Inner {
            calls,
            dedicated,
            runtime,
            hooks,
            tasks,
            writing: Mutex::new(HashMap::new()),
        }))
    }

    fn offer(&self, stream: StreamId, snapshot: Snapshot) {
        let inner = &self.0;
        if inner.store().is_none() {
            return;
        }
        {
            let mut writing = inner.lock();
            if let Some(next) = writing.get_mut(&stream.aggregate_id) {
                if next.as_ref().is_none_or(|next| next.version <= snapshot.version) {
                    *next = Some(snapshot);
                }
                return;
            }
            writing.insert(stream.aggregate_id.clone(), None);
        }
        let inner = Arc::clone(inner);
        let tasks = inner.tasks.clone();
        let runtime = Arc::clone(&inner.runtime);
        tasks.spawn(&*runtime, async move { inner.write(stream, snapshot).await });
    }

    /// Removes snapshots through a version, for good.
    pub(crate) async fn delete(&self, stream: &StreamId, through: asynx_core::Version) -> Result<(), StoreError> {
        match self.0.store() {
            Some(store) => self.0.calls.bounded(|| store.delete_through(stream, through)).await?,
            None => Ok(()),
        }
    }
}

impl<A: Aggregate> Inner<A> {
    fn store(&self) -> Option<&dyn SnapshotStore> {
        match &self.dedicated {
            Some(store) => Some(&**store),
            None => self.calls.store().snapshots(),
        }
    }

    async fn write(&self, stream: StreamId, first: Snapshot) {
        let mut next = Some(first);
        while let Some(snapshot) = next {
            let version = snapshot.version;
            if let Some(store) = self.store() {
                let put = self.calls.bounded(|| store.put(&stream, snapshot)).await;
                if let Err(source) = put.and_then(|put| put) {
                    let trouble = SnapshotTrouble::NotWritten { version, source };
                    self.hooks.snapshot_trouble(&stream, &trouble);
                }
            }
            let mut writing = self.lock();
            next = writing.get_mut(&stream.aggregate_id).and_then(Option::take);
            if next.is_none() {
                writing.remove(&stream.aggregate_id);
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<AggregateId, Option<Snapshot>>> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<A: Aggregate> Shared<A> {
    /// Has a snapshot of a state written, some time.
    pub(crate) fn offer_snapshot(&self, id: &AggregateId, held: &Held<A>) {
        let (Some(version), Some(life)) = (held.head, &held.life) else {
            return;
        };
        let snapshot = Snapshot {
            version,
            schema_version: self.upcast.current(),
            document: Bytes::copy_from_slice(life.document().text()),
        };
        self.snapshots.offer(self.stream(id), snapshot);
    }
}
