//! The store as a simulated process sees it.
#![allow(dead_code, reason = "each test file uses a part")]

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use asynx_core::store::{
    AppendError, Checkpoint, Checkpoints, EventLog, HeldLease, Leases, LogFilter, LogPage, LogQuery, NewEvent,
    ParkedEvent, Parking, StoredEvent, Transactions,
};
use asynx_core::{Position, Runtime, Store, StoreError, StreamId, Timestamp, Version};
use asynx_projection::ProjectionOptions;
use asynx_store_memory::{MemoryStore, MemoryTransaction};
use asynx_testkit::sim::SimProcess;

/// The store as one process sees it: slow, now and then its answers are lost, or it hangs for ever. What it took is
/// recorded.
#[derive(Clone)]
pub(crate) struct Seen {
    pub(crate) base: MemoryStore,
    pub(crate) process: SimProcess,
    pub(crate) history: Arc<Mutex<History>>,
    /// A deliberate bug: whoever writes is taken for the newest owner.
    pub(crate) unfenced: bool,
}

#[derive(Default)]
pub(crate) struct History {
    /// The fences by which checkpoints were moved, by reader.
    pub(crate) moves: BTreeMap<String, Vec<u64>>,
    /// What the transactional handler wrote, in the order of the commits.
    pub(crate) written: Vec<Position>,
    /// What the detached handler was given.
    pub(crate) given: Vec<Position>,
    pub(crate) poison: u64,
    /// From now on no call is answered.
    pub(crate) hangs: bool,
}

impl Seen {
    pub(crate) async fn wait(&self) {
        let time = Duration::from_micros(self.process.entropy() % 3_000);
        self.process.sleep(time).await;
        if self.process.entropy().is_multiple_of(100) || self.history.lock().unwrap().hangs {
            std::future::pending::<()>().await;
        }
    }

    fn is_lost(&self) -> Result<(), StoreError> {
        match self.process.entropy().is_multiple_of(30) {
            true => Err(StoreError::transient("the answer was lost")),
            false => Ok(()),
        }
    }

    fn record(&self, reader: &str, fence: u64) {
        let mut history = self.history.lock().unwrap();
        history.moves.entry(reader.to_owned()).or_default().push(fence);
    }

    async fn newest(&self, reader: &str, fence: u64) -> u64 {
        let kept = Checkpoints::get(&self.base, reader).await.unwrap();
        if self.unfenced {
            kept.map_or(fence, |kept| kept.fence)
        } else {
            fence
        }
    }
}

#[async_trait]
impl Checkpoints for Seen {
    async fn get(&self, reader: &str) -> Result<Option<Checkpoint>, StoreError> {
        self.wait().await;
        self.is_lost()?;
        Checkpoints::get(&self.base, reader).await
    }

    async fn claim(&self, reader: &str) -> Result<Checkpoint, StoreError> {
        self.wait().await;
        let claimed = self.base.claim(reader).await;
        self.is_lost()?;
        claimed
    }

    async fn put(&self, reader: &str, position: Option<Position>, fence: u64) -> Result<bool, StoreError> {
        self.wait().await;
        let shown = self.newest(reader, fence).await;
        let put = self.base.put(reader, position, shown).await?;
        if put {
            self.record(reader, fence);
        }
        self.is_lost()?;
        Ok(put)
    }

    async fn remove(&self, reader: &str, fence: u64) -> Result<bool, StoreError> {
        self.base.remove(reader, fence).await
    }
}

#[async_trait]
impl EventLog for Seen {
    async fn read(&self, query: &LogQuery) -> Result<LogPage, StoreError> {
        self.wait().await;
        self.base.read(query).await
    }

    async fn end(&self) -> Result<Option<Position>, StoreError> {
        self.wait().await;
        self.base.end().await
    }

    async fn count(&self, after: Option<Position>, filter: &LogFilter, most: u64) -> Result<u64, StoreError> {
        self.wait().await;
        EventLog::count(&self.base, after, filter, most).await
    }
}

#[async_trait]
impl Leases for Seen {
    async fn acquire(
        &self,
        name: &str,
        holder: &str,
        time: Duration,
        now: Timestamp,
    ) -> Result<Option<u64>, StoreError> {
        self.wait().await;
        self.base.acquire(name, holder, time, now).await
    }

    async fn renew(&self, name: &str, token: u64, time: Duration, now: Timestamp) -> Result<bool, StoreError> {
        self.wait().await;
        self.base.renew(name, token, time, now).await
    }

    async fn release(&self, name: &str, token: u64) -> Result<bool, StoreError> {
        self.wait().await;
        self.base.release(name, token).await
    }

    async fn held(&self, prefix: &str, now: Timestamp) -> Result<Vec<HeldLease>, StoreError> {
        self.wait().await;
        self.base.held(prefix, now).await
    }
}

#[async_trait]
impl Parking for Seen {
    async fn park(&self, reader: &str, event: &ParkedEvent) -> Result<(), StoreError> {
        self.wait().await;
        self.base.park(reader, event).await
    }

    async fn parked(
        &self,
        reader: &str,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<ParkedEvent>, StoreError> {
        self.wait().await;
        self.base.parked(reader, after, limit).await
    }

    async fn unpark(&self, reader: &str, position: Position) -> Result<bool, StoreError> {
        self.wait().await;
        self.base.unpark(reader, position).await
    }
}

impl Transactions for Seen {
    type Transaction = (MemoryTransaction, Option<(String, u64)>);

    async fn begin(&self) -> Result<Self::Transaction, StoreError> {
        self.wait().await;
        Ok((self.base.begin().await?, None))
    }

    async fn move_in(
        &self,
        transaction: &mut Self::Transaction,
        reader: &str,
        from: Option<Position>,
        to: Option<Position>,
        fence: u64,
    ) -> Result<bool, StoreError> {
        self.wait().await;
        transaction.1 = Some((reader.to_owned(), fence));
        let shown = self.newest(reader, fence).await;
        self.base.move_in(&mut transaction.0, reader, from, to, shown).await
    }

    async fn park_in(
        &self,
        transaction: &mut Self::Transaction,
        reader: &str,
        event: &ParkedEvent,
    ) -> Result<(), StoreError> {
        self.base.park_in(&mut transaction.0, reader, event).await
    }

    async fn unpark_in(
        &self,
        transaction: &mut Self::Transaction,
        reader: &str,
        position: Position,
    ) -> Result<bool, StoreError> {
        self.base.unpark_in(&mut transaction.0, reader, position).await
    }

    async fn commit(&self, transaction: Self::Transaction) -> Result<(), StoreError> {
        self.wait().await;
        self.base.commit(transaction.0).await?;
        if let Some((reader, fence)) = transaction.1 {
            self.record(&reader, fence);
        }
        // The answer may be lost although it was committed.
        self.is_lost()
    }
}

#[async_trait]
impl Store for Seen {
    async fn append(&self, stream: &StreamId, event: NewEvent) -> Result<Option<Position>, AppendError> {
        self.base.append(stream, event).await
    }

    async fn read_from(&self, stream: &StreamId, from: Version) -> Result<Vec<StoredEvent>, StoreError> {
        self.base.read_from(stream, from).await
    }

    async fn read_range(&self, stream: &StreamId, from: Version, count: usize) -> Result<Vec<StoredEvent>, StoreError> {
        self.base.read_range(stream, from, count).await
    }

    async fn count(&self, stream: &StreamId, from: Version) -> Result<u64, StoreError> {
        Store::count(&self.base, stream, from).await
    }

    async fn delete(&self, stream: &StreamId) -> Result<(), StoreError> {
        Store::delete(&self.base, stream).await
    }

    fn log(&self) -> Option<&dyn EventLog> {
        Some(self)
    }

    fn checkpoints(&self) -> Option<&dyn Checkpoints> {
        Some(self)
    }

    fn leases(&self) -> Option<&dyn Leases> {
        Some(self)
    }

    fn parking(&self) -> Option<&dyn Parking> {
        Some(self)
    }
}

pub(crate) fn options() -> ProjectionOptions {
    ProjectionOptions::new()
        .with_batch(NonZeroUsize::new(4).unwrap())
        .with_poll_interval(Duration::from_millis(20))
        .with_lease_time(Duration::from_millis(100))
        .with_backoff(Duration::from_millis(1), Duration::from_millis(10))
        .with_timeout(Duration::from_millis(400))
        .with_store_timeout(Duration::from_millis(40))
}
