use std::sync::Arc;

use async_trait::async_trait;
use asynx_core::store::{Snapshot, SnapshotStore};
use asynx_core::{SchemaVersion, StoreError, StreamId, Version};
use bytes::{Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use crate::JetStreamStore;
use crate::error::{Refusal, corrupt};
use crate::head::odd;
use crate::message::Message;
use crate::names::tokens;
use crate::store::Shared;
use crate::wire::Outgoing;

/// A snapshot, and where its version is in the stream, where that is known.
pub(crate) type KnownSnapshot = (Snapshot, Option<u64>);

/// All snapshots of a stream are one message, stored only where the one before it is what was looked at. So none comes in
/// after a delete that it did not see, and nothing has to be stored together.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Index {
    /// Up to which version they were deleted for good.
    deleted: u64,
    /// In the order of their documents.
    documents: Vec<Document>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Document {
    schema: u32,
    version: u64,
    /// In bytes.
    length: usize,
    /// Where the version is in the stream, where that was known.
    near: Option<u64>,
}

/// The snapshots of a stream as they are stored.
struct Kept {
    /// 0 where there are none.
    seq: u64,
    index: Index,
    documents: Vec<Bytes>,
}

const INDEX: &str = "Asynx-Snapshots";
const TRIES: u32 = 64;
/// What of the largest message the server takes is left for headers.
const FOR_HEADERS: usize = 8 << 10;

#[async_trait]
impl SnapshotStore for JetStreamStore {
    async fn put(&self, stream: &StreamId, snapshot: Snapshot) -> Result<(), StoreError> {
        let shared = &self.shared;
        let mut known = shared.indexes.get(stream);
        for _ in 0..TRIES {
            let schema = snapshot.schema_version.get();
            let is_alone = |index: &Index| index.documents.iter().all(|document| document.schema == schema);
            // Documents of other schemas have to be handed on; without them a look is not needed.
            let mut kept = match known.take().filter(|(_, index)| is_alone(index)) {
                Some((seq, index)) => Kept {
                    seq,
                    documents: vec![Bytes::new(); index.documents.len()],
                    index: Index::clone(&index),
                },
                None => shared.kept(stream).await?,
            };
            let chain = shared
                .chains
                .get(stream)
                .filter(|chain| chain.version == Some(snapshot.version));
            if !kept.put(&snapshot, chain.map(|chain| chain.seq)) {
                return Ok(());
            }
            kept.fit(shared.events.wire.client.max_payload().saturating_sub(FOR_HEADERS));
            match shared.keep(stream, kept).await {
                Ok(()) => return Ok(()),
                Err(Refusal::WrongSequence) => {}
                Err(refusal) => return Err(refusal.into()),
            }
        }
        Err(Refusal::WrongSequence.into())
    }

    async fn get(&self, stream: &StreamId, schema_version: SchemaVersion) -> Result<Option<Snapshot>, StoreError> {
        let found = self.shared.snapshot(stream, schema_version).await?;
        Ok(found.map(|(snapshot, _)| snapshot))
    }

    async fn delete_through(&self, stream: &StreamId, through: Version) -> Result<(), StoreError> {
        for _ in 0..TRIES {
            let mut kept = self.shared.kept(stream).await?;
            if kept.index.deleted >= through.get() {
                return Ok(());
            }
            kept.index.deleted = through.get();
            kept.retain(|document| document.version > through.get());
            match self.shared.keep(stream, kept).await {
                Ok(()) => return Ok(()),
                Err(Refusal::WrongSequence) => {}
                Err(refusal) => return Err(refusal.into()),
            }
        }
        Err(Refusal::WrongSequence.into())
    }
}

impl Shared {
    /// The newest snapshot of a schema.
    pub(crate) async fn snapshot(
        &self,
        stream: &StreamId,
        schema: SchemaVersion,
    ) -> Result<Option<KnownSnapshot>, StoreError> {
        let kept = self.kept(stream).await?;
        let mut all = kept.index.documents.into_iter().zip(kept.documents);
        let Some((found, document)) = all.find(|(found, _)| found.schema == schema.get()) else {
            return Ok(None);
        };
        let version = Version::new(found.version);
        let version = version.ok_or_else(|| corrupt(format!("a snapshot of {stream} has version 0")))?;
        let snapshot = Snapshot {
            version,
            schema_version: schema,
            document,
        };
        Ok(Some((snapshot, found.near)))
    }

    /// Removes all snapshots of a stream, as if none had ever been.
    pub(crate) async fn delete_snapshots(&self, stream: &StreamId) -> Result<(), StoreError> {
        self.state.purge(&self.snapshots_key(stream), None).await.map(drop)
    }

    async fn kept(&self, stream: &StreamId) -> Result<Kept, StoreError> {
        let Some(message) = self.state.last_one(&self.snapshots_key(stream)).await? else {
            return Ok(Kept {
                seq: 0,
                index: Index::default(),
                documents: Vec::new(),
            });
        };
        Kept::decode(&message)
    }

    /// Stores snapshots where nothing else was stored meanwhile.
    async fn keep(&self, stream: &StreamId, kept: Kept) -> Result<(), Refusal> {
        let index = serde_json::to_string(&kept.index)
            .map_err(|error| Refusal::NotApplied(corrupt("an index cannot be written").caused_by(error)))?;
        let mut payload = BytesMut::with_capacity(kept.documents.iter().map(Bytes::len).sum());
        for document in &kept.documents {
            payload.extend_from_slice(document);
        }
        let message = Outgoing::new(self.snapshots_key(stream), payload)
            .with(INDEX, index)
            .expecting(kept.seq);
        let seq = self.state.publish(message).await?;
        self.indexes.put(stream, (seq, Arc::new(kept.index)));
        Ok(())
    }

    fn snapshots_key(&self, stream: &StreamId) -> String {
        self.key(&format!("s.{}", tokens(stream)))
    }
}

impl Kept {
    fn decode(message: &Message) -> Result<Self, StoreError> {
        let index = message.header(INDEX).and_then(|index| serde_json::from_str(index).ok());
        let index: Index = index.ok_or_else(|| odd(message, INDEX))?;
        let mut rest = message.payload.clone();
        let mut documents = Vec::with_capacity(index.documents.len());
        for document in &index.documents {
            if document.length > rest.len() {
                return Err(odd(message, INDEX));
            }
            documents.push(rest.split_to(document.length));
        }
        let seq = message.seq;
        Ok(Self { seq, index, documents })
    }

    /// Whether the snapshot takes its place: neither deleted nor older than what is there (N1, N3).
    fn put(&mut self, snapshot: &Snapshot, near: Option<u64>) -> bool {
        let (schema, version) = (snapshot.schema_version.get(), snapshot.version.get());
        let newest = self.index.documents.iter().find(|document| document.schema == schema);
        if version <= self.index.deleted || newest.is_some_and(|newest| newest.version > version) {
            return false;
        }
        self.retain(|document| document.schema != schema);
        self.documents.push(snapshot.document.clone());
        self.index.documents.push(Document {
            schema,
            version,
            length: snapshot.document.len(),
            near,
        });
        true
    }

    /// Drops what other schemas have until one message holds the rest: a snapshot may be lost at any time.
    fn fit(&mut self, most: usize) {
        let mut length: usize = self.index.documents.iter().map(|document| document.length).sum();
        let mut left = self.documents.len();
        self.retain(|document| {
            left -= 1;
            let fits = length <= most || left == 0;
            if !fits {
                length -= document.length;
            }
            fits
        });
    }

    fn retain(&mut self, mut keep: impl FnMut(&Document) -> bool) {
        let kept: Vec<bool> = self.index.documents.iter().map(&mut keep).collect();
        let (mut of_index, mut of_documents) = (kept.iter().copied(), kept.iter().copied());
        self.index.documents.retain(|_| of_index.next().unwrap_or(false));
        self.documents.retain(|_| of_documents.next().unwrap_or(false));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(schema: u32, version: u64, length: usize) -> Snapshot {
        Snapshot {
            version: Version::new(version).unwrap(),
            schema_version: SchemaVersion::new(schema).unwrap(),
            document: Bytes::from(vec![b'0'; length]),
        }
    }

    #[test]
    fn what_does_not_fit_beside_the_newest_is_dropped() {
        let mut kept = Kept {
            seq: 0,
            index: Index::default(),
            documents: Vec::new(),
        };
        for (schema, length) in [(1, 400), (2, 300), (3, 500)] {
            assert!(kept.put(&snapshot(schema, 7, length), None));
        }
        let schemas = |kept: &Kept| {
            kept.index
                .documents
                .iter()
                .map(|document| document.schema)
                .collect::<Vec<_>>()
        };
        kept.fit(1_200);
        assert_eq!(schemas(&kept), [1, 2, 3]);
        kept.fit(900);
        assert_eq!(schemas(&kept), [2, 3]);
        kept.fit(10);
        assert_eq!((schemas(&kept), kept.documents.len()), (vec![3], 1));
        assert!(!kept.put(&snapshot(3, 6, 1), None));
        assert!(kept.put(&snapshot(3, 7, 1), None));
    }
}
