//! A store that is broken in one way.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use asynx_core::store::{
    AppendError, AppendGroup, Erase, EventLog, ForgetPolicy, GroupOutcome, Head, HeadQuery, Load, Loaded, LogEvent,
    LogPage, LogQuery, NewEvent, PendingErasure, Snapshot, SnapshotStore, SoleWriter, StoredEvent,
};
use asynx_core::{
    AggregateId, Category, EventId, EventName, Position, Runtime, SchemaVersion, Store, StoreError, StreamId, Version,
};
use asynx_testkit::ThreadRuntime;
use bytes::Bytes;

use crate::mutation::Mutation;
use crate::staged::{Staged, now};

pub(crate) struct Broken {
    pub(crate) staged: Staged,
    mutation: Mutation,
    scratch: Mutex<Scratch>,
}

/// What the faults need to remember.
#[derive(Default)]
struct Scratch {
    stale: BTreeSet<StreamId>,
    under_way: BTreeMap<StreamId, usize>,
    locked: BTreeSet<StreamId>,
    buffers: BTreeMap<(StreamId, Version), Bytes>,
    snapshots: BTreeMap<(StreamId, SchemaVersion), Snapshot>,
    snapshot_streams: BTreeSet<StreamId>,
    fences: BTreeMap<StreamId, Version>,
    batched_tombstones: BTreeSet<StreamId>,
    records: BTreeMap<EventId, Bytes>,
    erased_up_to: BTreeMap<StreamId, Version>,
    young: BTreeMap<Position, u64>,
    reads: u64,
}

impl Broken {
    pub(crate) fn new(mutation: Mutation) -> Self {
        Self {
            staged: Staged::new(mutation),
            mutation,
            scratch: Mutex::default(),
        }
    }

    fn scratch(&self) -> MutexGuard<'_, Scratch> {
        self.scratch.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is(&self, mutation: Mutation) -> bool {
        self.mutation == mutation
    }

    /// The stream that this store takes a stream for.
    fn taken_for(&self, stream: &StreamId) -> StreamId {
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

    fn head(&self, stream: &StreamId, event_id: Option<EventId>) -> Head {
        let stream = stream.clone();
        self.staged.heads(&[HeadQuery { stream, event_id }]).remove(0)
    }

    fn append_group(&self, group: &AppendGroup) -> GroupOutcome {
        let outcome = self.staged.append_batch(std::slice::from_ref(group)).remove(0);
        for event in &group.events {
            self.scratch().records.insert(event.event_id, event.record.clone());
        }
        let now = self.scratch().reads;
        for position in outcome.applied.iter().flatten() {
            self.scratch().young.insert(*position, now);
        }
        outcome
    }

    /// What a broken store makes of a group before it appends it; `Err` where it answers at once.
    fn twist(&self, group: &mut AppendGroup) -> Result<(), GroupOutcome> {
        let head = self.head(&group.stream, None).version;
        let first = group.events[0].version;
        let taken = |event: &NewEvent| self.head(&group.stream, Some(event.event_id)).found;
        match self.mutation {
            Mutation::GroupsSkipTakenVersions if Some(first) == head && group.events.len() > 1 => {
                group.events.remove(0);
            }
            Mutation::GapsAreTaken if first > Version::after(head) && group.events.len() == 1 => {
                return Err(GroupOutcome {
                    applied: vec![Some(Position::new([0, 1, 1]))],
                    stopped: None,
                });
            }
            Mutation::TakenIdsAreStored => {
                for event in &mut group.events {
                    let stream = group.stream.clone();
                    let found = self.head(&stream, Some(event.event_id)).found;
                    if found.is_some_and(|found| found.record.is_some()) {
                        event.event_id = EventId::generate(&ThreadRuntime);
                    }
                }
            }
            Mutation::ErasedIdsAreFree => {
                for event in &mut group.events {
                    let stream = group.stream.clone();
                    let found = self.head(&stream, Some(event.event_id)).found;
                    if found.is_some_and(|found| found.record.is_none()) {
                        event.event_id = EventId::generate(&ThreadRuntime);
                    }
                }
            }
            Mutation::VersionIsCheckedBeforeId if first != Version::after(head) => {
                return Err(GroupOutcome::none(AppendError::Conflict));
            }
            Mutation::GroupsStopAtTakenIds => {
                if let Some(at) = group.events.iter().position(|event| taken(event).is_some()) {
                    group.events.truncate(at.max(1));
                }
            }
            Mutation::PrefixesAreNotTold => {
                let gap = group
                    .events
                    .windows(2)
                    .position(|pair| pair[1].version != pair[0].version.next());
                if let Some(gap) = gap {
                    group.events.truncate(gap + 1);
                    self.append_group(group);
                    let error = StoreError::permanent("a gap");
                    return Err(GroupOutcome::none(AppendError::NotApplied(error)));
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn append_twisted(&self, group: &AppendGroup) -> GroupOutcome {
        let mut group = AppendGroup {
            stream: self.taken_for(&group.stream),
            events: group.events.clone(),
        };
        if group.events.is_empty() {
            return self.append_group(&group);
        }
        if let Err(outcome) = self.twist(&mut group) {
            return outcome;
        }
        if self.is(Mutation::GroupsStopAtTakenIds) && group.events.len() > 1 {
            return self.append_group(&group);
        }
        let buffers: Vec<_> = group
            .events
            .iter()
            .map(|event| (event.version, event.record.clone()))
            .collect();
        if self.is(Mutation::BuffersAreUsedAgain) {
            for event in &mut group.events {
                event.record = Bytes::copy_from_slice(&event.record);
            }
        }
        let mut outcome = self.append_group(&group);
        if outcome.stopped.is_none() {
            let mut scratch = self.scratch();
            scratch.stale.insert(group.stream.clone());
            let buffers = buffers.into_iter();
            scratch
                .buffers
                .extend(buffers.map(|(version, buffer)| ((group.stream.clone(), version), buffer)));
        }
        if self.is(Mutation::AppendsAnswerOtherPositions) {
            for position in outcome.applied.iter_mut().flatten() {
                let [epoch, transaction, number] = position.parts();
                *position = Position::new([epoch, transaction, number - 1]);
            }
        }
        outcome
    }

    /// Waits as a store may that has to take a lock.
    async fn lock_stream(&self, stream: &StreamId) {
        while !self.scratch().locked.insert(stream.clone()) {
            ThreadRuntime.sleep(Duration::from_millis(1)).await;
        }
        ThreadRuntime.sleep(Duration::from_millis(1)).await;
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
            _ => {}
        }
        events
    }

    fn hides_floor(&self, stream: &StreamId) -> bool {
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
            ThreadRuntime.sleep(Duration::from_millis(1)).await;
            let under_way = &self.scratch().under_way;
            if under_way.iter().any(|(other, count)| other != stream && *count > 0) {
                return Err(AppendError::Conflict);
            }
        }
        let head = self.head(stream, Some(group.events[0].event_id));
        let taken = head.version == Some(group.events[0].version) && head.found.is_none();
        if self.is(Mutation::TakenVersionsSucceed) && taken {
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
        now(Store::delete(&self.staged.memory, &stream))?;
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
            ThreadRuntime.spawn(Box::pin(async move {
                ThreadRuntime.sleep(Duration::from_millis(2)).await;
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
        if self.is(Mutation::HeadsAreSorted) {
            queries.sort_by(|a, b| a.stream.cmp(&b.stream));
        }
        let mut heads = self.staged.heads(&queries);
        for (head, query) in heads.iter_mut().zip(&queries) {
            match self.mutation {
                Mutation::LookUpsAreOlderThanHeads if query.event_id.is_some() => {
                    ThreadRuntime.sleep(Duration::from_millis(2)).await;
                    head.version = self.head(&query.stream, None).version;
                }
                Mutation::ErasedIdsAreNotFound => {
                    head.found = head.found.take().filter(|found| found.record.is_some());
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
}

#[async_trait]
impl SnapshotStore for Broken {
    async fn put(&self, stream: &StreamId, snapshot: Snapshot) -> Result<(), StoreError> {
        let memory = self.staged.memory.snapshots().expect("memory has snapshots");
        let kept = now(memory.get(stream, snapshot.schema_version))?;
        let newest = kept.as_ref().map(|kept| kept.version);
        let key = (stream.clone(), snapshot.schema_version);
        let mut scratch = self.scratch();
        scratch.snapshot_streams.insert(stream.clone());
        match self.mutation {
            Mutation::OlderSnapshotsReplace if Some(snapshot.version) < newest => {
                scratch.snapshots.insert(key, snapshot.clone());
            }
            Mutation::LatePutsAreTaken if scratch.fences.get(stream) >= Some(&snapshot.version) => {
                scratch.snapshots.insert(key, snapshot.clone());
            }
            Mutation::EqualSnapshotsStay if Some(snapshot.version) == newest => return Ok(()),
            Mutation::ErasuresLeaveSnapshots => {
                scratch.snapshots.insert(key, snapshot.clone());
            }
            _ => {}
        }
        drop(scratch);
        now(memory.put(stream, snapshot))
    }

    async fn get(&self, stream: &StreamId, schema_version: SchemaVersion) -> Result<Option<Snapshot>, StoreError> {
        let memory = self.staged.memory.snapshots().expect("memory has snapshots");
        let kept = now(memory.get(stream, schema_version))?;
        let own = self.scratch().snapshots.get(&(stream.clone(), schema_version)).cloned();
        match self.mutation {
            Mutation::AnySchemaWillDo if kept.is_none() => now(memory.get(stream, SchemaVersion::FIRST)),
            Mutation::OlderSnapshotsReplace => Ok(own.or(kept)),
            Mutation::ErasuresLeaveSnapshots if self.scratch().erased_up_to.contains_key(stream) => Ok(kept.or(own)),
            Mutation::LatePutsAreTaken => Ok(kept.or(own)),
            _ => Ok(kept),
        }
    }

    async fn delete(&self, stream: &StreamId, through: Version) -> Result<(), StoreError> {
        let memory = self.staged.memory.snapshots().expect("memory has snapshots");
        let mut scratch = self.scratch();
        scratch.fences.insert(stream.clone(), through);
        if self.is(Mutation::DeletesHitAllSnapshots) {
            for other in &scratch.snapshot_streams {
                now(memory.delete(other, through))?;
            }
        }
        now(memory.delete(stream, through))
    }
}

#[async_trait]
impl Erase for Broken {
    async fn erase(&self, stream: &StreamId, through: Version, policy: ForgetPolicy) -> Result<(), StoreError> {
        let memory = Store::erase(&self.staged.memory).expect("memory can erase");
        let head = self.head(stream, None);
        if self.is(Mutation::ErasingAgainFails) && !head.erasing {
            return Err(StoreError::permanent("nothing to erase"));
        }
        if self.is(Mutation::VersionsBeginAgain) && policy == ForgetPolicy::EraseAll && head.version == Some(through) {
            return now(Store::delete(&self.staged.memory, stream));
        }
        let mut scratch = self.scratch();
        scratch.stale.remove(stream);
        scratch
            .erased_up_to
            .extend(head.version.map(|version| (stream.clone(), version)));
        drop(scratch);
        now(memory.erase(stream, through, policy))
    }

    async fn pending(&self, category: &Category) -> Result<Vec<PendingErasure>, StoreError> {
        if self.is(Mutation::NothingIsPending) {
            return Ok(Vec::new());
        }
        let memory = Store::erase(&self.staged.memory).expect("memory can erase");
        let mut pending = now(memory.pending(category))?;
        pending.retain(|pending| !self.hides_floor(&pending.stream));
        Ok(pending)
    }
}

#[async_trait]
impl EventLog for Broken {
    async fn read(&self, query: &LogQuery) -> Result<LogPage, StoreError> {
        let mut query = query.clone();
        match self.mutation {
            Mutation::PagesIgnoreBytes => query.max_bytes = usize::MAX,
            Mutation::FiltersIgnoreNames => query.filter.event_names.clear(),
            _ => {}
        }
        let mut page = EventLog::read(&self.staged, &query).await?;
        match self.mutation {
            Mutation::PagesOfSevenDiffer if query.max_events == 7 && page.events.len() > 3 => {
                page.events.remove(2);
            }
            Mutation::LogLeavesErasedOut => page.events.retain(|event| event.record.is_some()),
            Mutation::LogIsLateWithoutWaiting => {
                let mut scratch = self.scratch();
                scratch.reads += 1;
                let now = scratch.reads;
                let known = |event: &LogEvent| scratch.young.get(&event.position).is_none_or(|born| now > born + 2);
                page.events.retain(known);
            }
            Mutation::LogKeepsPayloads => {
                for event in page.events.iter_mut().filter(|event| event.record.is_none()) {
                    event.record = self.scratch().records.get(&event.event_id).cloned();
                }
            }
            Mutation::NamesAreCut => {
                for event in &mut page.events {
                    let cut: String = event.event_name.as_str().chars().take(100).collect();
                    event.event_name = EventName::parse_stored(cut).expect("still valid");
                }
            }
            _ => {}
        }
        Ok(page)
    }

    async fn end(&self) -> Result<Option<Position>, StoreError> {
        self.staged.end().await
    }
}
