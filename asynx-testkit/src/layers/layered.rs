use std::sync::Arc;

use async_trait::async_trait;
use asynx_core::store::{
    AppendError, AppendGroup, Checkpoint, Checkpoints, Erase, EventLog, ForgetPolicy, GroupOutcome, Head, HeadQuery,
    Leases, Load, Loaded, LogFilter, LogPage, LogQuery, NewEvent, Parking, PendingErasure, Snapshot, SnapshotStore,
    SoleWriter, StoredEvent, WriterLease,
};
use asynx_core::{Category, Position, SchemaVersion, Store, StoreError, StreamId, Version};
use futures::future::{self, BoxFuture};

use super::{Answer, Call, CallInfo};

/// What a layer does with each call on its way to the store.
pub trait Intercept: Send + Sync + 'static {
    /// What the layer has decided about one call.
    type Decision: Send + 'static;

    /// Decides about a call, when it is first polled.
    fn decide(&self, call: CallInfo) -> Self::Decision;

    /// Answers a call. `run` is the call to the store: awaiting it makes it, dropping it does not. It owns all it
    /// needs, so it may be spawned as well.
    fn intercept<T: Answer>(
        &self,
        call: CallInfo,
        decision: Self::Decision,
        run: BoxFuture<'static, T>,
    ) -> BoxFuture<'static, T>;

    /// How many events of each group an `append_batch` lets through; the rest is answered as stopped. `None` for all.
    fn cut(&self, decision: &mut Self::Decision, groups: &[AppendGroup]) -> Option<Vec<usize>> {
        let _ = (decision, groups);
        None
    }

    /// Whether waiting for the log to change is passed on; else it never ends, as is allowed.
    fn tells_changes(&self) -> bool {
        true
    }
}

/// A store with a layer over it. What the store is able to do, this is able to do.
#[derive(Debug)]
pub struct Layered<S, I> {
    inner: Arc<S>,
    layer: I,
}

impl<S: Store, I: Intercept> Layered<S, I> {
    /// Puts a layer over a store.
    pub fn over(store: S, layer: I) -> Self {
        Self {
            inner: Arc::new(store),
            layer,
        }
    }

    /// The layer.
    pub const fn layer(&self) -> &I {
        &self.layer
    }

    /// The store below.
    pub fn inner(&self) -> &S {
        &self.inner
    }

    async fn pass<T, F, Fut>(&self, call: CallInfo, run: F) -> T
    where
        T: Answer,
        F: FnOnce(Arc<S>) -> Fut,
        Fut: Future<Output = T> + Send + 'static,
    {
        let decision = self.layer.decide(call);
        let run = run(Arc::clone(&self.inner));
        self.layer.intercept(call, decision, Box::pin(run)).await
    }
}

impl<S, I: Clone> Clone for Layered<S, I> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
            layer: self.layer.clone(),
        }
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<S: Store, I: Intercept> Store for Layered<S, I> {
    async fn append(&self, stream: &StreamId, event: NewEvent) -> Result<Option<Position>, AppendError> {
        let (call, stream) = (CallInfo::one(Call::Append), stream.clone());
        let call = CallInfo { events: 1, ..call };
        self.pass(call, |store| async move { store.append(&stream, event).await })
            .await
    }

    async fn read_from(&self, stream: &StreamId, from: Version) -> Result<Vec<StoredEvent>, StoreError> {
        let (call, stream) = (CallInfo::one(Call::ReadFrom), stream.clone());
        self.pass(call, |store| async move { store.read_from(&stream, from).await })
            .await
    }

    async fn read_range(&self, stream: &StreamId, from: Version, count: usize) -> Result<Vec<StoredEvent>, StoreError> {
        let (call, stream) = (CallInfo::one(Call::ReadRange), stream.clone());
        self.pass(
            call,
            |store| async move { store.read_range(&stream, from, count).await },
        )
        .await
    }

    async fn count(&self, stream: &StreamId, from: Version) -> Result<u64, StoreError> {
        let (call, stream) = (CallInfo::one(Call::Count), stream.clone());
        self.pass(call, |store| async move { store.count(&stream, from).await })
            .await
    }

    async fn delete(&self, stream: &StreamId) -> Result<(), StoreError> {
        let (call, stream) = (CallInfo::one(Call::Delete), stream.clone());
        self.pass(call, |store| async move { store.delete(&stream).await })
            .await
    }

    async fn append_batch(&self, groups: &[AppendGroup]) -> Vec<GroupOutcome> {
        let call = CallInfo {
            events: groups.iter().map(|group| group.events.len()).sum(),
            ..CallInfo::many(Call::AppendBatch, groups.len())
        };
        let mut decision = self.layer.decide(call);
        let cut = self.layer.cut(&mut decision, groups);
        let (store, groups) = (Arc::clone(&self.inner), groups.to_vec());
        let run = async move {
            match cut {
                Some(cut) => append_cut(&*store, groups, &cut).await,
                None => store.append_batch(&groups).await,
            }
        };
        self.layer.intercept(call, decision, Box::pin(run)).await
    }

    async fn heads(&self, queries: &[HeadQuery]) -> Result<Vec<Head>, StoreError> {
        let (call, queries) = (CallInfo::many(Call::Heads, queries.len()), queries.to_vec());
        self.pass(call, |store| async move { store.heads(&queries).await })
            .await
    }

    async fn load(&self, loads: &[Load]) -> Result<Vec<Loaded>, StoreError> {
        let (call, loads) = (CallInfo::many(Call::Load, loads.len()), loads.to_vec());
        self.pass(call, |store| async move { store.load(&loads).await }).await
    }

    fn unique_event_ids(&self) -> bool {
        self.inner.unique_event_ids()
    }

    fn coalesces_appends(&self) -> bool {
        self.inner.coalesces_appends()
    }

    fn snapshots(&self) -> Option<&dyn SnapshotStore> {
        self.inner.snapshots().map(|_| self as _)
    }

    fn log(&self) -> Option<&dyn EventLog> {
        self.inner.log().map(|_| self as _)
    }

    fn erase(&self) -> Option<&dyn Erase> {
        self.inner.erase().map(|_| self as _)
    }

    fn sole_writer(&self) -> Option<&dyn SoleWriter> {
        self.inner.sole_writer().map(|_| self as _)
    }

    fn checkpoints(&self) -> Option<&dyn Checkpoints> {
        self.inner.checkpoints().map(|_| self as _)
    }

    fn leases(&self) -> Option<&dyn Leases> {
        self.inner.leases()
    }

    fn parking(&self) -> Option<&dyn Parking> {
        self.inner.parking()
    }
}

/// Appends so many events of each group, and answers the rest as stopped.
async fn append_cut<S: Store>(store: &S, groups: Vec<AppendGroup>, cut: &[usize]) -> Vec<GroupOutcome> {
    let mut outcomes = Vec::with_capacity(groups.len());
    for (mut group, &keep) in groups.into_iter().zip(cut) {
        let whole = keep >= group.events.len();
        group.events.truncate(keep);
        let mut outcome = match group.events.is_empty() {
            true => GroupOutcome {
                applied: Vec::new(),
                stopped: None,
            },
            false => store.append_batch(&[group]).await.remove(0),
        };
        if !whole && outcome.stopped.is_none() {
            let error = StoreError::transient("stopped on the way");
            outcome.stopped = Some(AppendError::NotApplied(error));
        }
        outcomes.push(outcome);
    }
    outcomes
}

/// What calls answer when the store below has lost a capability that it had when the caller asked for it.
fn lost() -> StoreError {
    StoreError::permanent("the store below no longer has this capability")
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<S: Store, I: Intercept> SnapshotStore for Layered<S, I> {
    async fn put(&self, stream: &StreamId, snapshot: Snapshot) -> Result<(), StoreError> {
        let (call, stream) = (CallInfo::one(Call::SnapshotPut), stream.clone());
        self.pass(call, |store| async move {
            let snapshots = store.snapshots().ok_or_else(lost)?;
            snapshots.put(&stream, snapshot).await
        })
        .await
    }

    async fn get(&self, stream: &StreamId, schema_version: SchemaVersion) -> Result<Option<Snapshot>, StoreError> {
        let (call, stream) = (CallInfo::one(Call::SnapshotGet), stream.clone());
        self.pass(call, |store| async move {
            let snapshots = store.snapshots().ok_or_else(lost)?;
            snapshots.get(&stream, schema_version).await
        })
        .await
    }

    async fn delete_through(&self, stream: &StreamId, through: Version) -> Result<(), StoreError> {
        let (call, stream) = (CallInfo::one(Call::SnapshotDelete), stream.clone());
        self.pass(call, |store| async move {
            let snapshots = store.snapshots().ok_or_else(lost)?;
            snapshots.delete_through(&stream, through).await
        })
        .await
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<S: Store, I: Intercept> EventLog for Layered<S, I> {
    async fn read(&self, query: &LogQuery) -> Result<LogPage, StoreError> {
        let (call, query) = (CallInfo::one(Call::LogRead), query.clone());
        self.pass(
            call,
            |store| async move { store.log().ok_or_else(lost)?.read(&query).await },
        )
        .await
    }

    async fn end(&self) -> Result<Option<Position>, StoreError> {
        let call = CallInfo::one(Call::LogEnd);
        self.pass(call, |store| async move { store.log().ok_or_else(lost)?.end().await })
            .await
    }

    async fn count(&self, after: Option<Position>, filter: &LogFilter, most: u64) -> Result<u64, StoreError> {
        let (call, filter) = (CallInfo::one(Call::LogRead), filter.clone());
        self.pass(call, |store| async move {
            store.log().ok_or_else(lost)?.count(after, &filter, most).await
        })
        .await
    }

    fn changed(&self, after: Option<Position>) -> BoxFuture<'static, ()> {
        match self.inner.log().filter(|_| self.layer.tells_changes()) {
            Some(log) => log.changed(after),
            None => Box::pin(future::pending()),
        }
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<S: Store, I: Intercept> Erase for Layered<S, I> {
    async fn erase_through(&self, stream: &StreamId, through: Version, policy: ForgetPolicy) -> Result<(), StoreError> {
        let (call, stream) = (CallInfo::one(Call::Erase), stream.clone());
        self.pass(call, |store| async move {
            let erase = store.erase().ok_or_else(lost)?;
            erase.erase_through(&stream, through, policy).await
        })
        .await
    }

    async fn pending(&self, category: &Category) -> Result<Vec<PendingErasure>, StoreError> {
        let (call, category) = (CallInfo::one(Call::Pending), category.clone());
        self.pass(call, |store| async move {
            store.erase().ok_or_else(lost)?.pending(&category).await
        })
        .await
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<S: Store, I: Intercept> SoleWriter for Layered<S, I> {
    async fn acquire(&self, category: &Category) -> Result<Option<Box<dyn WriterLease>>, StoreError> {
        let (call, category) = (CallInfo::one(Call::Acquire), category.clone());
        self.pass(call, |store| async move {
            store.sole_writer().ok_or_else(lost)?.acquire(&category).await
        })
        .await
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl<S: Store, I: Intercept> Checkpoints for Layered<S, I> {
    async fn get(&self, reader: &str) -> Result<Option<Checkpoint>, StoreError> {
        let (call, reader) = (CallInfo::one(Call::CheckpointGet), reader.to_owned());
        self.pass(call, |store| async move {
            store.checkpoints().ok_or_else(lost)?.get(&reader).await
        })
        .await
    }

    async fn claim(&self, reader: &str) -> Result<Checkpoint, StoreError> {
        let (call, reader) = (CallInfo::one(Call::CheckpointClaim), reader.to_owned());
        self.pass(call, |store| async move {
            store.checkpoints().ok_or_else(lost)?.claim(&reader).await
        })
        .await
    }

    async fn put(&self, reader: &str, position: Option<Position>, fence: u64) -> Result<bool, StoreError> {
        let (call, reader) = (CallInfo::one(Call::CheckpointPut), reader.to_owned());
        self.pass(call, |store| async move {
            let checkpoints = store.checkpoints().ok_or_else(lost)?;
            checkpoints.put(&reader, position, fence).await
        })
        .await
    }

    async fn remove(&self, reader: &str, fence: u64) -> Result<bool, StoreError> {
        let (call, reader) = (CallInfo::one(Call::CheckpointRemove), reader.to_owned());
        self.pass(call, |store| async move {
            store.checkpoints().ok_or_else(lost)?.remove(&reader, fence).await
        })
        .await
    }
}
