use std::collections::BTreeMap;

use async_trait::async_trait;
use asynx_core::store::{Erase, ForgetPolicy, PendingErasure, SnapshotStore as _};
use asynx_core::{Category, StoreError, StreamId, Version};

use crate::JetStreamStore;
use crate::error::Refusal;
use crate::head::{Chain, Mark, mark, version_of};
use crate::names::BUCKET;
use crate::row::{Row, Rows};
use crate::store::Shared;
use crate::wire::Outgoing;

#[async_trait]
impl Erase for JetStreamStore {
    async fn erase_through(&self, stream: &StreamId, through: Version, policy: ForgetPolicy) -> Result<(), StoreError> {
        let shared = &self.shared;
        let chain = shared.chain(stream).await?;
        if chain.version.is_none() {
            return Ok(());
        }
        if Some(through) > chain.floor {
            return Err(StoreError::permanent(format!(
                "{stream} has no tombstone at or above version {through}: its living events are not erased"
            )));
        }
        let forget = shared.events.last_one(&shared.names.forget(stream)).await?;
        // Each step may be done again, by whoever resumes: rows before the messages that they stand for go, and the mark
        // that says it was done at last.
        let dead = shared.dead(stream, chain, through).await?;
        let payloads = dead
            .rows
            .iter()
            .map(|row| row.seq)
            .filter(|seq| Some(*seq) != dead.below);
        let payloads: Vec<u64> = payloads.collect();
        shared.keep_rows(stream, through, policy, dead.rows).await?;
        self.delete_through(stream, through).await?;
        // One after the other: the server does so anyhow, and appends come in between.
        for seq in payloads {
            shared.events.overwrite(seq).await?;
        }
        if let Some(below) = dead.below {
            shared.events.purge(&shared.names.events(stream), Some(below)).await?;
        }
        let erased = |chain: Chain| {
            let erased = Some(through);
            (chain.erased < erased).then_some((Chain { erased, ..chain }, Mark::Erased))
        };
        shared.store_mark(stream, erased).await?;
        if let Some(forget) = forget
            && version_of(&forget)? <= through
        {
            shared.events.purge(&forget.subject, Some(forget.seq + 1)).await?;
        }
        Ok(())
    }

    async fn pending(&self, category: &Category) -> Result<Vec<PendingErasure>, StoreError> {
        let shared = &self.shared;
        let (forgets, _) = shared.events.last(&[shared.names.forgets_of(category)]).await?;
        let streams: Result<Vec<StreamId>, _> = forgets
            .iter()
            .map(|forget| shared.names.stream_of(&forget.subject))
            .collect();
        let streams = streams?;
        let chains = shared.chains_now(&streams).await?;
        let erasing = streams.into_iter().zip(chains).filter(|(_, chain)| chain.is_erasing());
        Ok(erasing
            .filter_map(|(stream, chain)| {
                Some(PendingErasure {
                    stream,
                    tombstone: chain.floor?,
                })
            })
            .collect())
    }
}

/// What an erasure finds of a stream.
struct Dead {
    rows: Vec<Row>,
    /// Messages below this go: all up to the tombstone, which stays. `None`: nothing is left to go.
    below: Option<u64>,
}

impl Shared {
    pub(crate) async fn delete(&self, stream: &StreamId) -> Result<(), StoreError> {
        // The mark first: from here on the stream is unknown. It stays, so that no append of the old stream that arrives
        // late finds its expectation met.
        let deleted = |chain: Chain| {
            let is_known = chain.version.is_some();
            is_known.then_some((Chain::default(), Mark::Deleted))
        };
        self.store_mark(stream, deleted).await?;
        let chain = self.chain(stream).await?;
        if chain.base == 0 {
            return Ok(());
        }
        self.events.purge(&self.names.events(stream), Some(chain.base)).await?;
        for leftover in [self.names.forget(stream), self.names.rows_of(stream)] {
            self.events.purge(&leftover, Some(chain.base)).await?;
        }
        self.delete_snapshots(stream).await
    }

    /// The rows of the messages up to a version, from the leader's own.
    async fn dead(&self, stream: &StreamId, chain: Chain, through: Version) -> Result<Dead, StoreError> {
        let subject = self.names.events(stream);
        let (mut rows, mut below, mut from) = (Vec::new(), None, chain.base + 1);
        while from <= chain.seq {
            let page = self.events.page(&subject, from, 512, 8 << 20).await?;
            let Some(last) = page.messages.last() else {
                return Err(StoreError::transient(format!(
                    "the replicas that keep {stream} are behind"
                )));
            };
            from = last.seq + 1;
            for message in &page.messages {
                let is_mark = mark(message)?.is_some();
                if !is_mark && version_of(message)? > through {
                    return Ok(Dead { rows, below });
                }
                if !is_mark {
                    rows.push(Row::of(message)?);
                    below = Some(message.seq);
                }
            }
        }
        Ok(Dead { rows, below })
    }

    /// Stores the rows that stay of what is erased: all, or only the tombstone's.
    async fn keep_rows(
        &self,
        stream: &StreamId,
        through: Version,
        policy: ForgetPolicy,
        dead: Vec<Row>,
    ) -> Result<(), StoreError> {
        let (kept, _) = self.events.last(&[self.names.rows_of(stream)]).await?;
        let mut rows: BTreeMap<u64, Row> = dead.into_iter().map(|row| (row.seq, row)).collect();
        let mut buckets: BTreeMap<String, u64> = BTreeMap::new();
        for message in kept {
            for row in Rows::decode(&message)?.rows {
                rows.insert(row.seq, row);
            }
            buckets.insert(message.subject, message.seq);
        }
        if policy == ForgetPolicy::EraseAll {
            let mut all = Ok(());
            rows.retain(|_, row| match row.version() {
                Ok(version) => version >= through,
                Err(error) => {
                    all = Err(error);
                    true
                }
            });
            all?;
        }
        let mut by_bucket: BTreeMap<String, Rows> = BTreeMap::new();
        for row in rows.into_values() {
            let bucket = self.names.rows(row.seq / BUCKET, stream);
            by_bucket.entry(bucket).or_default().rows.push(row);
        }
        for (subject, rows) in by_bucket {
            let before = buckets.remove(&subject).unwrap_or(0);
            let message = Outgoing::new(subject.clone(), rows.encode()?).expecting(before);
            let seq = match self.events.publish(message).await {
                Ok(seq) => seq,
                Err(Refusal::WrongSequence) => {
                    let error = format!("somebody else erases {stream} just now; try again");
                    return Err(StoreError::transient(error));
                }
                Err(refusal) => return Err(refusal.into()),
            };
            self.events.purge(&subject, Some(seq)).await?;
        }
        for (subject, seq) in buckets {
            self.events.purge(&subject, Some(seq + 1)).await?;
        }
        Ok(())
    }
}
