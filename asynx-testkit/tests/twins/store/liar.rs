//! A store that tells one lie.

use std::sync::Arc;

use async_trait::async_trait;
use asynx_core::store::{
    AppendError, AppendGroup, Checkpoint, Checkpoints, Erase, EventLog, ForgetPolicy, GroupOutcome, Head, HeadQuery,
    Leases, Load, Loaded, LogPage, LogQuery, NewEvent, Parking, PendingErasure, Snapshot, SnapshotStore, SoleWriter,
    StoredEvent, WriterLease,
};
use asynx_core::{Category, Position, SchemaVersion, Store, StoreError, StreamId, Version};

use crate::lies::{Lie, Made, Script};

/// A sound store, but for what the script says.
#[derive(Clone)]
pub(super) struct Liar {
    pub(super) sound: Arc<dyn Store>,
    pub(super) script: Script,
}

/// What any call can do instead of answering the truth.
const NEVER_ANSWERS: &str = "never answers";
const PANICS: &str = "panics";
const IS_NOT_MADE: &str = "is not made";

impl Liar {
    /// Makes a call, or lies.
    async fn call<T: Lie>(&self, kind: &'static str, call: impl Future<Output = T>) -> T {
        let made = self.begin::<T>(kind).await;
        self.make(&made, call).await
    }

    async fn make<T: Lie>(&self, made: &Made, call: impl Future<Output = T>) -> T {
        if made.lie.as_deref() == Some(IS_NOT_MADE)
            && let Some(pretended) = T::pretended()
        {
            self.script.tells();
            return pretended;
        }
        let truth = call.await;
        self.script.answer(made, truth)
    }

    async fn begin<T: Lie>(&self, kind: &'static str) -> Made {
        let made = self.script.made(kind);
        self.script.could(&made, [NEVER_ANSWERS, PANICS].map(str::to_owned));
        if T::pretended().is_some() {
            self.script.could(&made, [IS_NOT_MADE.to_owned()]);
        }
        match made.lie.as_deref() {
            Some(NEVER_ANSWERS) => {
                self.script.tells();
                std::future::pending().await
            }
            Some(PANICS) => {
                self.script.tells();
                panic!("as the script wants")
            }
            _ => made,
        }
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
        self.sound.leases()
    }

    fn parking(&self) -> Option<&dyn Parking> {
        self.sound.parking()
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
        let made = self.begin::<Result<LogPage, StoreError>>("log.read").await;
        self.script
            .could(&made, [OF_MORE_EVENTS, OF_MORE_BYTES].map(str::to_owned));
        let mut query = query.clone();
        match made.lie.as_deref() {
            Some(OF_MORE_EVENTS) => query.max_events = query.max_events.saturating_add(1),
            Some(OF_MORE_BYTES) => query.max_bytes = usize::MAX,
            _ => return self.make(&made, sound.read(&query)).await,
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
        let made = self.begin::<()>("sole_writer.acquire").await;
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
