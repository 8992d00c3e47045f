//! A store that is broken in one way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use asynx_core::store::{
    AppendError, AppendGroup, Checkpoints, Erase, EventLog, GroupOutcome, Head, HeadQuery, Leases, Load, Loaded,
    NewEvent, ParkedEvent, Parking, Snapshot, SnapshotStore, SoleWriter, StoredEvent,
};
use asynx_core::{AggregateId, EventId, Position, Runtime, SchemaVersion, Store, StoreError, StreamId, Version};
use bytes::Bytes;

use super::broken_checkpoints::Reader;
use super::mutation::Mutation;
use super::staged::{Staged, now};

pub(super) struct Broken {
    pub(super) staged: Staged,
    pub(super) mutation: Mutation,
    pub(super) runtime: Arc<dyn Runtime>,
    scratch: Arc<Mutex<Scratch>>,
}

/// What the faults need to remember.
#[derive(Default)]
pub(super) struct Scratch {
    pub(super) stale: BTreeSet<StreamId>,
    pub(super) under_way: BTreeMap<StreamId, usize>,
    pub(super) locked: BTreeSet<StreamId>,
    pub(super) buffers: BTreeMap<(StreamId, Version), Bytes>,
    pub(super) snapshots: BTreeMap<(StreamId, SchemaVersion), Snapshot>,
    pub(super) snapshot_streams: BTreeSet<StreamId>,
    pub(super) fences: BTreeMap<StreamId, Version>,
    pub(super) batched_tombstones: BTreeSet<StreamId>,
    pub(super) records: BTreeMap<EventId, Bytes>,
    pub(super) erased_up_to: BTreeMap<StreamId, Version>,
    pub(super) young: BTreeMap<Position, u64>,
    pub(super) reads: u64,
    pub(super) appended_by: BTreeMap<(StreamId, Version), usize>,
    pub(super) fenced_by: BTreeMap<StreamId, usize>,
    pub(super) erasures: BTreeMap<StreamId, usize>,
    pub(super) erased_by: BTreeMap<StreamId, usize>,
    pub(super) deleted: BTreeMap<StreamId, (usize, Vec<StoredEvent>)>,
    pub(super) readers: BTreeMap<String, Reader>,
    pub(super) parked: BTreeMap<String, BTreeMap<Position, ParkedEvent>>,
    pub(super) tokens: BTreeMap<String, u64>,
}

impl Broken {
    pub(super) fn new(mutation: Mutation, runtime: Arc<dyn Runtime>) -> Self {
        Self {
            staged: Staged::new(mutation),
            mutation,
            runtime,
            scratch: Arc::default(),
        }
    }

    /// A second handle to the same data, with the same fault.
    pub(super) fn another(&self) -> Self {
        let mut another = self.same();
        another.staged.handle += 1;
        another
    }

    /// The same handle again.
    pub(super) fn same(&self) -> Self {
        Self {
            staged: self.staged.clone(),
            mutation: self.mutation,
            runtime: Arc::clone(&self.runtime),
            scratch: Arc::clone(&self.scratch),
        }
    }

    /// Whether an event was appended through another handle.
    pub(super) fn is_foreign(&self, stream: &StreamId, version: Version) -> bool {
        let appended = &self.scratch().appended_by;
        let by = appended.get(&(stream.clone(), version));
        by.is_some_and(|by| *by != self.staged.handle)
    }

    pub(super) fn scratch(&self) -> MutexGuard<'_, Scratch> {
        self.scratch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is(&self, mutation: Mutation) -> bool {
        self.mutation == mutation
    }

    /// The stream that this store takes a stream for.
    pub(super) fn taken_for(&self, stream: &StreamId) -> StreamId {
        let id = stream.aggregate_id.as_str();
        match self.mutation {
            Mutation::PatternCharactersAreOne => StreamId {
                category: stream.category.clone(),
                aggregate_id: AggregateId::parse(id.replace('%', "_")).expect("still valid"),
            },
            Mutation::CategoryAndIdAreJoined => {
                let joined = format!("{}/{id}", stream.category);
                match joined.rsplit_once('/') {
                    Some((category, id)) if !id.is_empty() => StreamId::parse(category, id).expect("still valid"),
                    _ => stream.clone(),
                }
            }
            _ => stream.clone(),
        }
    }

    pub(super) fn head(&self, stream: &StreamId, event_id: Option<EventId>) -> Head {
        let stream = stream.clone();
        self.staged.heads(&[HeadQuery { stream, event_id }]).remove(0)
    }

    /// Waits as a store may that has to take a lock.
    async fn lock_stream(&self, stream: &StreamId) {
        while !self.scratch().locked.insert(stream.clone()) {
            self.runtime.sleep(Duration::from_millis(1)).await;
        }
        self.runtime.sleep(Duration::from_millis(1)).await;
    }

    fn visible(&self, stream: &StreamId, mut events: Vec<StoredEvent>) -> Vec<StoredEvent> {
        match self.mutation {
            Mutation::LargeRecordsAreCut => {
                events.iter_mut().for_each(|event| event.record.truncate(64 << 10));
            }
            Mutation::BuffersAreUsedAgain => {
                let mut scratch = self.scratch();
                for event in &mut events {
                    let Some(buffer) = scratch.buffers.remove(&(stream.clone(), event.version)) else {
                        continue;
                    };
                    let buffer = match buffer.try_into_mut() {
                        Ok(mut mine) => {
                            mine.fill(b'#');
                            mine.freeze()
                        }
                        Err(shared) => shared,
                    };
                    event.record = buffer.clone();
                    scratch.buffers.insert((stream.clone(), event.version), buffer);
                }
            }
            Mutation::OldLifeIsHiddenAtOnce => {
                let floor = self.head(stream, None).floor;
                events.retain(|event| Some(event.version) > floor);
            }
            Mutation::ErasuresTakeTheNextLife => {
                let up_to = self.scratch().erased_up_to.get(stream).copied();
                events.retain(|event| Some(event.version) > up_to);
            }
            Mutation::ReadsAreOfTheHandle => {
                events.retain(|event| !self.is_foreign(stream, event.version));
            }
            Mutation::DeletesAreOfTheHandle => {
                let deleted = self.scratch().deleted.get(stream).cloned();
                if let Some((_, deleted)) = deleted.filter(|(by, _)| *by != self.staged.handle) {
                    return deleted;
                }
            }
            _ => {}
        }
        events
    }

    pub(super) fn hides_floor(&self, stream: &StreamId) -> bool {
        self.scratch().batched_tombstones.contains(stream)
    }
}

struct UnderWay<'a>(&'a Broken, StreamId);

impl<'a> UnderWay<'a> {
    fn new(store: &'a Broken, stream: &StreamId) -> Self {
        *store.scratch().under_way.entry(stream.clone()).or_default() += 1;
        Self(store, stream.clone())
    }
}

impl Drop for UnderWay<'_> {
    fn drop(&mut self) {
        *self.0.scratch().under_way.entry(self.1.clone()).or_default() -= 1;
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Store for Broken {
    async fn append(&self, stream: &StreamId, event: NewEvent) -> Result<Option<Position>, AppendError> {
        let group = AppendGroup {
            stream: stream.clone(),
            events: vec![event],
        };
        if self.is(Mutation::DisjointAppendsConflict) {
            let _mine = UnderWay::new(self, stream);
            self.runtime.sleep(Duration::from_millis(1)).await;
            let under_way = &self.scratch().under_way;
            if under_way.iter().any(|(other, count)| other != stream && *count > 0) {
                return Err(AppendError::Conflict);
            }
        }
        let head = self.head(stream, Some(group.events[0].event_id));
        let version = group.events[0].version;
        let taken = head.version == Some(version) && head.found.is_none();
        let foreign = self.is(Mutation::VersionsAreOfTheHandle) && self.is_foreign(stream, version);
        if foreign || (self.is(Mutation::TakenVersionsSucceed) && taken) {
            return Ok(Some(Position::new([0, 1, 1])));
        }
        if self.is(Mutation::DroppedAppendsLeaveALock) {
            self.lock_stream(stream).await;
        }
        let mut outcome = self.append_twisted(&group);
        self.scratch().locked.remove(stream);
        match (outcome.stopped, outcome.applied.pop()) {
            (Some(reason), _) => Err(reason),
            (None, position) => Ok(position.flatten()),
        }
    }

    async fn read_from(&self, stream: &StreamId, from: Version) -> Result<Vec<StoredEvent>, StoreError> {
        let stream = self.taken_for(stream);
        let from = match (self.mutation, from.previous()) {
            (Mutation::ReadsBeginTooEarly, Some(previous)) => previous,
            _ => from,
        };
        let events = self.staged.read_range(&stream, from, usize::MAX);
        Ok(self.visible(&stream, events))
    }

    async fn read_range(&self, stream: &StreamId, from: Version, count: usize) -> Result<Vec<StoredEvent>, StoreError> {
        let stream = self.taken_for(stream);
        let (from, count) = match self.mutation {
            Mutation::LargestRangeIsEmpty if count == usize::MAX => (from, 0),
            Mutation::RangesBeginTooLate => (from.get().checked_add(1).and_then(Version::new).unwrap_or(from), count),
            _ => (from, count),
        };
        let mut events = self.staged.read_range(&stream, from, count);
        if self.is(Mutation::RangesAreStale) && self.scratch().stale.remove(&stream) {
            let head = self.head(&stream, None).version;
            events.retain(|event| Some(event.version) != head);
        }
        Ok(self.visible(&stream, events))
    }

    async fn count(&self, stream: &StreamId, from: Version) -> Result<u64, StoreError> {
        let from = match self.mutation {
            Mutation::CountsIgnoreTheirVersion => Version::FIRST,
            _ => from,
        };
        let stream = self.taken_for(stream);
        let events = self.staged.read_range(&stream, from, usize::MAX);
        Ok(self.visible(&stream, events).len() as u64)
    }

    async fn delete(&self, stream: &StreamId) -> Result<(), StoreError> {
        let stream = self.taken_for(stream);
        if self.is(Mutation::DeletingNothingFails) && self.head(&stream, None).version.is_none() {
            return Err(StoreError::permanent("no such stream"));
        }
        let snapshots = self.staged.memory.snapshots().expect("memory has snapshots");
        let snapshot = now(snapshots.get(&stream, SchemaVersion::FIRST))?;
        let deleted = self.staged.read_range(&stream, Version::FIRST, usize::MAX);
        now(Store::delete(&self.staged.memory, &stream))?;
        self.scratch()
            .deleted
            .insert(stream.clone(), (self.staged.handle, deleted));
        self.scratch().stale.remove(&stream);
        self.scratch().buffers.retain(|(other, _), _| *other != stream);
        if let (Mutation::DeletesLeaveSnapshots, Some(snapshot)) = (self.mutation, snapshot) {
            now(snapshots.put(&stream, snapshot))?;
        }
        Ok(())
    }

    async fn append_batch(&self, groups: &[AppendGroup]) -> Vec<GroupOutcome> {
        let of_two = groups.len() == 1 && groups[0].events.len() == 2;
        let error = || AppendError::NotApplied(StoreError::transient("a timeout"));
        if self.is(Mutation::StoredAfterNotApplied) && of_two {
            let (staged, group) = (self.staged.clone(), groups.to_vec());
            let runtime = Arc::clone(&self.runtime);
            self.runtime.spawn(Box::pin(async move {
                runtime.sleep(Duration::from_millis(2)).await;
                staged.append_batch(&group);
            }));
            return vec![GroupOutcome::none(error())];
        }
        let mut outcomes: Vec<_> = groups.iter().map(|group| self.append_twisted(group)).collect();
        if self.is(Mutation::StoredIsToldAsNotApplied) && of_two && outcomes[0].stopped.is_none() {
            outcomes = vec![GroupOutcome::none(error())];
        }
        if self.is(Mutation::OutcomesAreTurnedRound) && groups.len() > 20 {
            outcomes.reverse();
        }
        if self.is(Mutation::TombstonesInBatchesAreMissed) {
            let dead = groups
                .iter()
                .filter(|group| group.events.iter().any(|event| event.event_name.is_tombstone()));
            self.scratch()
                .batched_tombstones
                .extend(dead.map(|group| group.stream.clone()));
        }
        outcomes
    }

    async fn heads(&self, queries: &[HeadQuery]) -> Result<Vec<Head>, StoreError> {
        let mut queries = queries.to_vec();
        queries
            .iter_mut()
            .for_each(|query| query.stream = self.taken_for(&query.stream));
        if self.is(Mutation::HeadsAreOfOneCase) {
            for query in &mut queries {
                let id = query.stream.aggregate_id.as_str().to_lowercase();
                query.stream.aggregate_id = AggregateId::parse(id).expect("still valid");
            }
        }
        if self.is(Mutation::HeadsAreSorted) {
            queries.sort_by(|a, b| a.stream.cmp(&b.stream));
        }
        let mut heads = self.staged.heads(&queries);
        for (head, query) in heads.iter_mut().zip(&queries) {
            match self.mutation {
                Mutation::LookUpsAreOlderThanHeads if query.event_id.is_some() => {
                    self.runtime.sleep(Duration::from_millis(2)).await;
                    head.version = self.head(&query.stream, None).version;
                }
                Mutation::HeadsAreOfTheHandle => {
                    head.version = (1..)
                        .map_while(Version::new)
                        .take_while(|version| {
                            Some(*version) <= head.version && !self.is_foreign(&query.stream, *version)
                        })
                        .last();
                }
                Mutation::ErasuresAreOfTheHandle => {
                    let by = self.scratch().erased_by.get(&query.stream).copied();
                    if let (Some(found), Some(id)) = (head.found.as_mut(), query.event_id)
                        && by.is_some_and(|by| by != self.staged.handle)
                    {
                        found.record = self.scratch().records.get(&id).cloned();
                    }
                }
                Mutation::ErasedIdsAreNotFound => {
                    head.found = head.found.take().filter(|found| found.record.is_some());
                }
                Mutation::FirstErasureLosesTheFloor if self.scratch().erasures.get(&query.stream) == Some(&1) => {
                    head.floor = head.floor.filter(|_| head.living().is_some());
                }
                Mutation::TombstonesInBatchesAreMissed if self.hides_floor(&query.stream) => {
                    (head.floor, head.erasing) = (None, false);
                }
                _ => {}
            }
        }
        Ok(heads)
    }

    async fn load(&self, loads: &[Load]) -> Result<Vec<Loaded>, StoreError> {
        let mut loads = loads.to_vec();
        loads
            .iter_mut()
            .for_each(|load| load.stream = self.taken_for(&load.stream));
        let mut all = self.staged.load(&loads);
        for (loaded, load) in all.iter_mut().zip(&loads) {
            match (self.mutation, load.from, load.snapshot) {
                (Mutation::LoadsNeverSayMore, ..) => loaded.more = false,
                (Mutation::ErasedLoadsHaveNoFloor, ..) if !self.head(&load.stream, None).erasing => loaded.floor = None,
                (Mutation::LoadsReachBelowTheFloor, Some(from), _) => {
                    loaded.events = self.staged.read_range(&load.stream, from, load.limit);
                }
                (Mutation::OldSnapshotIsLoaded, None, Some(schema)) => {
                    let snapshots = self.staged.memory.snapshots().expect("memory has snapshots");
                    loaded.snapshot = now(snapshots.get(&load.stream, schema))?;
                }
                (Mutation::TombstonesInBatchesAreMissed, ..) if self.hides_floor(&load.stream) => loaded.floor = None,
                _ => {}
            }
        }
        Ok(all)
    }

    fn unique_event_ids(&self) -> bool {
        true
    }

    fn snapshots(&self) -> Option<&dyn SnapshotStore> {
        Some(self)
    }

    fn log(&self) -> Option<&dyn EventLog> {
        Some(self)
    }

    fn erase(&self) -> Option<&dyn Erase> {
        Some(self)
    }

    fn sole_writer(&self) -> Option<&dyn SoleWriter> {
        Some(&self.staged)
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

    fn coalesces_appends(&self) -> bool {
        false
    }
}
