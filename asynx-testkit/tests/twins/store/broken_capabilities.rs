//! What is broken in snapshots, in forgetting and in the log.

use async_trait::async_trait;
use asynx_core::store::{
    Erase, EventLog, ForgetPolicy, LogEvent, LogFilter, LogPage, LogQuery, PendingErasure, Snapshot, SnapshotStore,
};
use asynx_core::{Category, EventName, Position, SchemaVersion, Store, StoreError, StreamId, Version};

use asynx_store_memory::MemoryStore;

use super::broken::Broken;
use super::mutation::Mutation;
use super::staged::now;

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
            Mutation::FencesAreOfTheHandle
                if scratch.fences.get(stream) >= Some(&snapshot.version)
                    && scratch.fenced_by.get(stream) != Some(&self.staged.handle) =>
            {
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
            Mutation::LatePutsAreTaken | Mutation::FencesAreOfTheHandle => Ok(kept.or(own)),
            _ => Ok(kept),
        }
    }

    async fn delete_through(&self, stream: &StreamId, through: Version) -> Result<(), StoreError> {
        let memory = self.staged.memory.snapshots().expect("memory has snapshots");
        let mut scratch = self.scratch();
        scratch.fences.insert(stream.clone(), through);
        scratch.fenced_by.insert(stream.clone(), self.staged.handle);
        if self.is(Mutation::DeletesHitAllSnapshots) {
            for other in &scratch.snapshot_streams {
                now(memory.delete_through(other, through))?;
            }
        }
        now(memory.delete_through(stream, through))
    }
}

#[async_trait]
impl Erase for Broken {
    async fn erase_through(&self, stream: &StreamId, through: Version, policy: ForgetPolicy) -> Result<(), StoreError> {
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
        *scratch.erasures.entry(stream.clone()).or_default() += 1;
        scratch.erased_by.insert(stream.clone(), self.staged.handle);
        scratch
            .erased_up_to
            .extend(head.version.map(|version| (stream.clone(), version)));
        drop(scratch);
        now(memory.erase_through(stream, through, policy))
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

/// All that the log has of a stream.
async fn log_of(memory: &MemoryStore, stream: &StreamId) -> Vec<LogEvent> {
    let query = LogQuery {
        after: None,
        filter: LogFilter {
            streams: vec![stream.clone()],
            ..LogFilter::default()
        },
        max_events: usize::MAX,
        max_bytes: usize::MAX,
    };
    let log = memory.log().expect("memory has a log");
    log.read(&query).await.expect("memory can be read").events
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
            Mutation::LogIsOfTheHandle => {
                page.events
                    .retain(|event| !self.is_foreign(&event.stream, event.version));
            }
            // Only a reader that is given one event after the other can tell.
            Mutation::LonelyEventsArePassedOver if page.at_end && page.events.len() == 1 && query.max_events == 100 => {
                page.events.clear();
            }
            Mutation::TombstonesGo => {
                // Alone at the front of its stream: what came before it is gone.
                let alone = |event: &LogEvent| {
                    let from = event.version.previous().unwrap_or(Version::FIRST);
                    let before = now(log_of(&self.staged.memory, &event.stream));
                    event.event_name.is_tombstone()
                        && event.record.is_none()
                        && !before.iter().any(|other| other.version == from)
                };
                page.events.retain(|event| !alone(event));
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
