use std::time::Duration;

use asynx_core::store::{FoundEvent, Head, HeadQuery, Load, Loaded, StoredEvent};
use asynx_core::{EventId, StoreError, StreamId, Version};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::{self, StreamExt as _, TryStreamExt as _};

use crate::error::corrupt;
use crate::head::{Chain, mark, version_of};
use crate::row::{Row, Rows, position};
use crate::snapshots::KnownSnapshot;
use crate::store::Shared;

/// How many messages, and how many bytes of them, one question asks for.
const PAGE: usize = 512;
const PAGE_BYTES: usize = 8 << 20;
/// How many streams of one call are read side by side.
const BESIDE: usize = 16;
/// How often a read that met an erasure or a replica that is behind begins again, with pauses that double from 1 ms.
const TRIES: u32 = 10;

/// Some calls at a time, answered in their order.
async fn beside<T: Send>(calls: Vec<BoxFuture<'_, Result<T, StoreError>>>) -> Result<Vec<T>, StoreError> {
    stream::iter(calls).buffered(BESIDE).try_collect().await
}

impl Shared {
    pub(crate) async fn read(
        &self,
        stream: &StreamId,
        from: Version,
        count: usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let chain = self.chain(stream).await?;
        self.events_from(stream, chain, from, count, None).await
    }

    pub(crate) async fn heads(&self, queries: &[HeadQuery]) -> Result<Vec<Head>, StoreError> {
        let streams: Vec<StreamId> = queries.iter().map(|query| query.stream.clone()).collect();
        let chains = self.chains_now(&streams).await?;
        let looked_up = queries
            .iter()
            .zip(chains)
            .map(|(query, chain)| self.head(query, chain).boxed());
        beside(looked_up.collect()).await
    }

    async fn head(&self, query: &HeadQuery, chain: Chain) -> Result<Head, StoreError> {
        let mut head = chain.head();
        if let Some(event_id) = query.event_id {
            head.found = self.find(&query.stream, chain, event_id).await?;
        }
        Ok(head)
    }

    pub(crate) async fn load(&self, loads: &[Load]) -> Result<Vec<Loaded>, StoreError> {
        // Snapshots first, so that none is newer than the head.
        let snapshots = beside(loads.iter().map(|load| self.wanted_snapshot(load).boxed()).collect()).await?;
        let streams: Vec<StreamId> = loads.iter().map(|load| load.stream.clone()).collect();
        let chains = self.chains_now(&streams).await?;
        let loaded = loads.iter().zip(snapshots).zip(chains);
        beside(
            loaded
                .map(|((load, snapshot), chain)| self.load_one(load, snapshot, chain).boxed())
                .collect(),
        )
        .await
    }

    async fn wanted_snapshot(&self, load: &Load) -> Result<Option<KnownSnapshot>, StoreError> {
        match (load.from, load.snapshot) {
            (None, Some(schema)) => self.snapshot(&load.stream, schema).await,
            _ => Ok(None),
        }
    }

    async fn load_one(&self, load: &Load, snapshot: Option<KnownSnapshot>, chain: Chain) -> Result<Loaded, StoreError> {
        let living = |version: Version| Some(version) > chain.floor && Some(version) <= chain.version;
        let snapshot = snapshot.filter(|(snapshot, _)| living(snapshot.version));
        let near = snapshot.as_ref().and_then(|(_, seq)| *seq);
        let snapshot = snapshot.map(|(snapshot, _)| snapshot);
        let after = snapshot.as_ref().map(|snapshot| snapshot.version.next());
        let from = load.from.or(after).unwrap_or(Version::FIRST);
        let from = from.max(Version::after(chain.floor));
        let most = load.limit.saturating_add(1);
        let mut events = self.events_from(&load.stream, chain, from, most, near).await?;
        let more = events.len() > load.limit;
        events.truncate(load.limit);
        Ok(Loaded {
            head: chain.version,
            floor: chain.floor,
            snapshot,
            events,
            more,
        })
    }

    /// The first events at or above a version, up to the head that a chain tells of. `near`: a sequence before them.
    async fn events_from(
        &self,
        stream: &StreamId,
        mut chain: Chain,
        from: Version,
        count: usize,
        near: Option<u64>,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let mut pause = Duration::from_millis(1);
        for _ in 0..TRIES {
            if let Some(events) = self.events_by(stream, chain, from, count, near).await? {
                return Ok(events);
            }
            self.events.wire.runtime.sleep(pause).await;
            pause *= 2;
            chain = self.chain(stream).await?;
        }
        Err(corrupt(format!("{stream} has a gap at or above version {from}")))
    }

    /// `None` where what is found does not fit the chain.
    async fn events_by(
        &self,
        stream: &StreamId,
        chain: Chain,
        from: Version,
        count: usize,
        near: Option<u64>,
    ) -> Result<Option<Vec<StoredEvent>>, StoreError> {
        let first = from.max(Version::after(chain.erased));
        let newest = chain.version.map_or(0, Version::get);
        let left = (newest + 1).saturating_sub(first.get());
        let wanted = usize::try_from(left).unwrap_or(usize::MAX).min(count);
        let subject = self.names.events(stream);
        let mut start = chain
            .start(first)
            .max(near.filter(|near| *near > chain.base).map_or(0, |near| near + 1));
        let mut events: Vec<StoredEvent> = Vec::with_capacity(wanted.min(PAGE));
        while events.len() < wanted {
            let most = PAGE.min(wanted - events.len() + 1 + usize::try_from(first.get()).unwrap_or(PAGE));
            let page = self.events.page(&subject, start, most, PAGE_BYTES).await?;
            let Some(last) = page.messages.last() else {
                return Ok(None);
            };
            start = last.seq + 1;
            for message in page.messages {
                if events.len() == wanted {
                    break;
                }
                if mark(&message)?.is_some() {
                    continue;
                }
                let version = version_of(&message)?;
                let next = events.last().map_or(first, |last| last.version.next());
                if version < next {
                    continue;
                }
                if version > next {
                    return Ok(None);
                }
                events.push(StoredEvent {
                    version,
                    position: Some(position(message.seq)),
                    record: message.payload,
                });
            }
        }
        Ok(Some(events))
    }

    /// Looks an event up: near the end first, then from the beginning, then among those whose payload is gone.
    async fn find(
        &self,
        stream: &StreamId,
        mut chain: Chain,
        event_id: EventId,
    ) -> Result<Option<FoundEvent>, StoreError> {
        let mut pause = Duration::from_millis(1);
        for _ in 0..TRIES {
            if let Some(found) = self.find_by(stream, chain, event_id).await? {
                return Ok(found);
            }
            self.events.wire.runtime.sleep(pause).await;
            pause *= 2;
            chain = self.chain(stream).await?;
        }
        Err(StoreError::transient(format!(
            "the replicas that keep {stream} are behind"
        )))
    }

    /// `None` where a replica that is behind was asked.
    async fn find_by(
        &self,
        stream: &StreamId,
        chain: Chain,
        event_id: EventId,
    ) -> Result<Option<Option<FoundEvent>>, StoreError> {
        let Some(newest) = chain.version else {
            return Ok(Some(None));
        };
        let near = chain.start(newest);
        for (from, through) in [(near, chain.seq), (chain.base + 1, near - 1)] {
            match self.find_within(stream, chain, event_id, from, through).await? {
                Some(None) => {}
                other => return Ok(other),
            }
        }
        if chain.erased.is_none() {
            return Ok(Some(None));
        }
        for message in self.events.last(&[self.names.rows_of(stream)]).await?.0 {
            let rows = Rows::decode(&message)?.rows;
            if let Some(row) = rows.iter().find(|row| row.event_id() == event_id) {
                return Ok(Some(Some(FoundEvent {
                    version: row.version()?,
                    position: Some(position(row.seq)),
                    record: None,
                })));
            }
        }
        Ok(Some(None))
    }

    async fn find_within(
        &self,
        stream: &StreamId,
        chain: Chain,
        event_id: EventId,
        mut from: u64,
        through: u64,
    ) -> Result<Option<Option<FoundEvent>>, StoreError> {
        let subject = self.names.events(stream);
        while from <= through {
            let page = self.events.page(&subject, from, PAGE, PAGE_BYTES).await?;
            let Some(last) = page.messages.last() else {
                // The chain's own message is there or further on.
                return Ok(None);
            };
            from = last.seq + 1;
            if page.pending == 0 && last.seq < chain.seq {
                return Ok(None);
            }
            for message in page.messages {
                if mark(&message)?.is_some() {
                    continue;
                }
                let row = Row::of(&message)?;
                if row.event_id() == event_id {
                    let version = row.version()?;
                    return Ok(Some(Some(FoundEvent {
                        version,
                        position: Some(position(message.seq)),
                        record: Some(message.payload).filter(|_| Some(version) > chain.erased),
                    })));
                }
            }
        }
        Ok(Some(None))
    }
}
