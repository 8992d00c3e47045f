//! A store that tells one lie.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use asynx_core::store::{
    AppendError, AppendGroup, Checkpoint, Checkpoints, Erase, EventLog, ForgetPolicy, GroupOutcome, Head, HeadQuery,
    HeldLease, Leases, Load, Loaded, LogPage, LogQuery, NewEvent, ParkedEvent, Parking, PendingErasure, Snapshot,
    SnapshotStore, SoleWriter, StoredEvent, WriterLease,
};
use asynx_core::{Category, Position, SchemaVersion, Store, StoreError, StreamId, Timestamp, Version};

use crate::lies::{Lie, Script};

/// A sound store, but for what the script says.
#[derive(Clone)]
pub(super) struct Liar {
    pub(super) sound: Arc<dyn Store>,
    pub(super) script: Script,
}

impl Liar {
    /// Makes a call, or lies.
    async fn call<T: Lie>(&self, kind: &'static str, call: impl Future<Output = T>) -> T {
        self.script.call(kind, call).await
    }

    /// Whether a capability is there.
    fn has(&self, kind: &'static str, is_there: bool) -> bool {
        let made = self.script.made(kind);
        if !is_there {
            return false;
        }
        self.script.answer(&made, true)
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Store for Liar {
    async fn append(&self, stream: &StreamId, event: NewEvent) -> Result<Option<Position>, AppendError> {
        self.call("append", self.sound.append(stream, event)).await
    }

    async fn read_from(&self, stream: &StreamId, from: Version) -> Result<Vec<StoredEvent>, StoreError> {
        self.call("read_from", self.sound.read_from(stream, from)).await
    }

    async fn read_range(&self, stream: &StreamId, from: Version, count: usize) -> Result<Vec<StoredEvent>, StoreError> {
        self.call("read_range", self.sound.read_range(stream, from, count))
            .await
    }

    async fn count(&self, stream: &StreamId, from: Version) -> Result<u64, StoreError> {
        self.call("count", self.sound.count(stream, from)).await
    }

    async fn delete(&self, stream: &StreamId) -> Result<(), StoreError> {
        self.call("delete", self.sound.delete(stream)).await
    }

    async fn append_batch(&self, groups: &[AppendGroup]) -> Vec<GroupOutcome> {
        self.call("append_batch", self.sound.append_batch(groups)).await
    }

    async fn heads(&self, queries: &[HeadQuery]) -> Result<Vec<Head>, StoreError> {
        self.call("heads", self.sound.heads(queries)).await
    }

    async fn load(&self, loads: &[Load]) -> Result<Vec<Loaded>, StoreError> {
        self.call("load", self.sound.load(loads)).await
    }

    fn unique_event_ids(&self) -> bool {
        let made = self.script.made("unique_event_ids");
        self.script.answer(&made, self.sound.unique_event_ids())
    }

    fn coalesces_appends(&self) -> bool {
        self.sound.coalesces_appends()
    }

    fn snapshots(&self) -> Option<&dyn SnapshotStore> {
        self.has("snapshots", self.sound.snapshots().is_some()).then_some(self)
    }

    fn log(&self) -> Option<&dyn EventLog> {
        self.has("log", self.sound.log().is_some()).then_some(self)
    }

    fn erase(&self) -> Option<&dyn Erase> {
        self.has("erase", self.sound.erase().is_some()).then_some(self)
    }

    fn sole_writer(&self) -> Option<&dyn SoleWriter> {
        self.has("sole_writer", self.sound.sole_writer().is_some())
            .then_some(self)
    }

    fn checkpoints(&self) -> Option<&dyn Checkpoints> {
        self.has("checkpoints", self.sound.checkpoints().is_some())
            .then_some(self)
    }

    fn leases(&self) -> Option<&dyn Leases> {
        self.has("leases", self.sound.leases().is_some()).then_some(self)
    }

    fn parking(&self) -> Option<&dyn Parking> {
        self.has("parking", self.sound.parking().is_some()).then_some(self)
    }
}

const HERE: &str = "the store below has it";

#[async_trait]
impl SnapshotStore for Liar {
    async fn put(&self, stream: &StreamId, snapshot: Snapshot) -> Result<(), StoreError> {
        let sound = self.sound.snapshots().expect(HERE);
        self.call("snapshots.put", sound.put(stream, snapshot)).await
    }

    async fn get(&self, stream: &StreamId, schema_version: SchemaVersion) -> Result<Option<Snapshot>, StoreError> {
        let sound = self.sound.snapshots().expect(HERE);
        self.call("snapshots.get", sound.get(stream, schema_version)).await
    }

    async fn delete_through(&self, stream: &StreamId, through: Version) -> Result<(), StoreError> {
        let sound = self.sound.snapshots().expect(HERE);
        self.call("snapshots.delete_through", sound.delete_through(stream, through))
            .await
    }
}

#[async_trait]
impl Erase for Liar {
    async fn erase_through(&self, stream: &StreamId, through: Version, policy: ForgetPolicy) -> Result<(), StoreError> {
        let sound = self.sound.erase().expect(HERE);
        self.call("erase.erase_through", sound.erase_through(stream, through, policy))
            .await
    }

    async fn pending(&self, category: &Category) -> Result<Vec<PendingErasure>, StoreError> {
        let sound = self.sound.erase().expect(HERE);
        self.call("erase.pending", sound.pending(category)).await
    }
}

#[async_trait]
impl EventLog for Liar {
    async fn read(&self, query: &LogQuery) -> Result<LogPage, StoreError> {
        const OF_MORE_EVENTS: &str = "of more events";
        const OF_MORE_BYTES: &str = "of more bytes";
        let sound = self.sound.log().expect(HERE);
        let made = self.script.begin::<Result<LogPage, StoreError>>("log.read").await;
        self.script
            .could(&made, [OF_MORE_EVENTS, OF_MORE_BYTES].map(str::to_owned));
        let mut query = query.clone();
        match made.lie.as_deref() {
            Some(OF_MORE_EVENTS) => query.max_events = query.max_events.saturating_add(1),
            Some(OF_MORE_BYTES) => query.max_bytes = usize::MAX,
            _ => return self.script.make(&made, sound.read(&query)).await,
        }
        self.script.tells();
        sound.read(&query).await
    }

    async fn end(&self) -> Result<Option<Position>, StoreError> {
        self.call("log.end", self.sound.log().expect(HERE).end()).await
    }
}

#[async_trait]
impl Checkpoints for Liar {
    async fn get(&self, reader: &str) -> Result<Option<Checkpoint>, StoreError> {
        let sound = self.sound.checkpoints().expect(HERE);
        self.call("checkpoints.get", sound.get(reader)).await
    }

    async fn claim(&self, reader: &str) -> Result<Checkpoint, StoreError> {
        let sound = self.sound.checkpoints().expect(HERE);
        self.call("checkpoints.claim", sound.claim(reader)).await
    }

    async fn put(&self, reader: &str, position: Option<Position>, fence: u64) -> Result<bool, StoreError> {
        let sound = self.sound.checkpoints().expect(HERE);
        self.call("checkpoints.put", sound.put(reader, position, fence)).await
    }

    async fn remove(&self, reader: &str, fence: u64) -> Result<bool, StoreError> {
        let sound = self.sound.checkpoints().expect(HERE);
        self.call("checkpoints.remove", sound.remove(reader, fence)).await
    }
}

#[async_trait]
impl SoleWriter for Liar {
    async fn acquire(&self, category: &Category) -> Result<Option<Box<dyn WriterLease>>, StoreError> {
        const IS_GIVEN: &str = "is given";
        const IS_NOT_GIVEN: &str = "is not given";
        const FAILS: &str = "fails";
        let made = self.script.begin::<()>("sole_writer.acquire").await;
        let truth = self.sound.sole_writer().expect(HERE).acquire(category).await?;
        let script = self.script.clone();
        let other = if truth.is_some() { IS_NOT_GIVEN } else { IS_GIVEN };
        self.script.could(&made, [FAILS, other].map(str::to_owned));
        if made.lie.is_some() {
            self.script.tells();
        }
        match made.lie.as_deref() {
            Some(FAILS) => Err(StoreError::transient("a lie")),
            Some(IS_NOT_GIVEN) => Ok(None),
            Some(IS_GIVEN) => Ok(Some(Box::new(Lease { sound: None, script }))),
            _ => Ok(truth.map(|sound| -> Box<dyn WriterLease> {
                let sound = Some(sound);
                Box::new(Lease { sound, script })
            })),
        }
    }
}

struct Lease {
    sound: Option<Box<dyn WriterLease>>,
    script: Script,
}

impl WriterLease for Lease {
    fn is_held(&self) -> bool {
        let made = self.script.made("sole_writer.is_held");
        let held = self.sound.as_ref().is_none_or(|sound| sound.is_held());
        self.script.answer(&made, held)
    }
}

#[async_trait]
impl Leases for Liar {
    async fn acquire(
        &self,
        name: &str,
        holder: &str,
        time: Duration,
        now: Timestamp,
    ) -> Result<Option<u64>, StoreError> {
        let sound = self.sound.leases().expect(HERE);
        self.call("leases.acquire", sound.acquire(name, holder, time, now))
            .await
    }

    async fn renew(&self, name: &str, token: u64, time: Duration, now: Timestamp) -> Result<bool, StoreError> {
        let sound = self.sound.leases().expect(HERE);
        self.call("leases.renew", sound.renew(name, token, time, now)).await
    }

    async fn release(&self, name: &str, token: u64) -> Result<bool, StoreError> {
        let sound = self.sound.leases().expect(HERE);
        self.call("leases.release", sound.release(name, token)).await
    }

    async fn held(&self, prefix: &str, now: Timestamp) -> Result<Vec<HeldLease>, StoreError> {
        let sound = self.sound.leases().expect(HERE);
        self.call("leases.held", sound.held(prefix, now)).await
    }
}

#[async_trait]
impl Parking for Liar {
    async fn park(&self, reader: &str, event: &ParkedEvent) -> Result<(), StoreError> {
        let sound = self.sound.parking().expect(HERE);
        self.call("parking.park", sound.park(reader, event)).await
    }

    async fn parked(
        &self,
        reader: &str,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<ParkedEvent>, StoreError> {
        let sound = self.sound.parking().expect(HERE);
        self.call("parking.parked", sound.parked(reader, after, limit)).await
    }

    async fn unpark(&self, reader: &str, position: Position) -> Result<bool, StoreError> {
        let sound = self.sound.parking().expect(HERE);
        self.call("parking.unpark", sound.unpark(reader, position)).await
    }
}
