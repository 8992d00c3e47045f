use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use asynx_core::store::{AppendError, AppendGroup, GroupOutcome, Head, HeadQuery, Load, Loaded, NewEvent, StoredEvent};
use asynx_core::{Position, Runtime, Store, StoreError, StreamId, Version};
use asynx_runtime::TokioRuntime;

/// A store that acknowledges first and appends afterwards: what a store must never do.
pub(super) struct Eager {
    store: Arc<dyn Store>,
    runtime: TokioRuntime,
}

/// How much later it appends.
const LATER: Duration = Duration::from_millis(5);

impl Eager {
    pub(super) const fn new(store: Arc<dyn Store>, runtime: TokioRuntime) -> Self {
        Self { store, runtime }
    }
}

#[async_trait]
impl Store for Eager {
    async fn append(&self, stream: &StreamId, event: NewEvent) -> Result<Option<Position>, AppendError> {
        let group = AppendGroup {
            stream: stream.clone(),
            events: vec![event],
        };
        self.append_batch(&[group]).await;
        Ok(None)
    }

    async fn append_batch(&self, groups: &[AppendGroup]) -> Vec<GroupOutcome> {
        let outcomes = groups.iter().map(|group| GroupOutcome {
            applied: vec![None; group.events.len()],
            stopped: None,
        });
        let outcomes = outcomes.collect();
        let (store, runtime, groups) = (Arc::clone(&self.store), self.runtime.clone(), groups.to_vec());
        self.runtime.spawn(Box::pin(async move {
            runtime.sleep(LATER).await;
            store.append_batch(&groups).await;
        }));
        outcomes
    }

    async fn read_from(&self, stream: &StreamId, from: Version) -> Result<Vec<StoredEvent>, StoreError> {
        self.store.read_from(stream, from).await
    }

    async fn read_range(&self, stream: &StreamId, from: Version, count: usize) -> Result<Vec<StoredEvent>, StoreError> {
        self.store.read_range(stream, from, count).await
    }

    async fn count(&self, stream: &StreamId, from: Version) -> Result<u64, StoreError> {
        self.store.count(stream, from).await
    }

    async fn delete(&self, stream: &StreamId) -> Result<(), StoreError> {
        self.store.delete(stream).await
    }

    async fn heads(&self, queries: &[HeadQuery]) -> Result<Vec<Head>, StoreError> {
        self.store.heads(queries).await
    }

    async fn load(&self, loads: &[Load]) -> Result<Vec<Loaded>, StoreError> {
        self.store.load(loads).await
    }

    fn unique_event_ids(&self) -> bool {
        self.store.unique_event_ids()
    }

    fn coalesces_appends(&self) -> bool {
        self.store.coalesces_appends()
    }
}
