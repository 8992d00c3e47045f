use std::collections::BTreeMap;
use std::time::Duration;

use async_trait::async_trait;
use asynx_core::store::{Snapshot, SnapshotStore};
use asynx_core::{SchemaVersion, StoreError, StreamId, Version};
use serde::{Deserialize, Serialize};

use crate::JetStreamStore;
use crate::error::Refusal;
use crate::head::odd;
use crate::keys::{decode, encode};
use crate::message::Message;
use crate::names::tokens;
use crate::store::Shared;
use crate::wire::Outgoing;

/// What is known of all snapshots of a stream. A snapshot is stored in one batch with it, and only where it is what it was:
/// so none comes in after a delete that it did not see.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Index {
    /// Up to which version they were deleted for good.
    deleted: u64,
    /// The newest version by schema.
    versions: BTreeMap<u32, u64>,
}

/// A snapshot, and where its version is in the stream, where that is known.
pub(crate) type KnownSnapshot = (Snapshot, Option<u64>);

const VERSION: &str = "Asynx-Version";
/// Where the snapshot's version is in the stream, where that was known.
const SEQUENCE: &str = "Asynx-Sequence";
const TRIES: u32 = 64;

#[async_trait]
impl SnapshotStore for JetStreamStore {
    async fn put(&self, stream: &StreamId, snapshot: Snapshot) -> Result<(), StoreError> {
        let shared = &self.shared;
        let version = snapshot.version.get();
        let schema = snapshot.schema_version.get();
        for _ in 0..TRIES {
            let (mut index, seq) = shared.index(stream).await?;
            let newest = index.versions.get(&schema).copied().unwrap_or(0);
            if version <= index.deleted || version < newest {
                return Ok(());
            }
            index.versions.insert(schema, version);
            let mut document =
                Outgoing::new(shared.document_key(stream, schema), snapshot.document.clone()).with(VERSION, version);
            let known = shared
                .chains
                .get(stream)
                .filter(|chain| chain.version == Some(snapshot.version));
            if let Some(chain) = known {
                document = document.with(SEQUENCE, chain.seq);
            }
            let index = Outgoing::new(shared.index_key(stream), encode(&index)?).expecting(seq);
            match shared.store_state(vec![index, document]).await {
                Ok(_) => return Ok(()),
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
        let key = format!("s.{}.index", tokens(stream));
        let deleted = self.shared.update(&key, |index: Option<Index>| {
            let mut index = index.unwrap_or_default();
            if index.deleted >= through.get() {
                return (None, index.deleted);
            }
            index.deleted = through.get();
            index.versions.retain(|_, version| *version > through.get());
            let deleted = index.deleted;
            (Some(index), deleted)
        });
        let deleted = deleted.await?;
        for document in self.shared.documents(stream).await? {
            if number(&document, VERSION)? <= deleted {
                self.shared
                    .state
                    .purge(&document.subject, Some(document.seq + 1))
                    .await?;
            }
        }
        Ok(())
    }
}

impl Shared {
    /// The newest snapshot of a schema.
    pub(crate) async fn snapshot(
        &self,
        stream: &StreamId,
        schema: SchemaVersion,
    ) -> Result<Option<KnownSnapshot>, StoreError> {
        let keys = [self.index_key(stream), self.document_key(stream, schema.get())];
        let mut pause = Duration::from_millis(1);
        loop {
            let (messages, _) = self.state.last(&keys).await?;
            let found = |key: &str| messages.iter().find(|message| message.subject == key);
            let index: Index = found(&keys[0]).map(decode).transpose()?.unwrap_or_default();
            let document = found(&keys[1]);
            let version = document.map(|document| number(document, VERSION)).transpose()?;
            let expected = index.versions.get(&schema.get()).copied();
            match (expected, version, document) {
                (Some(_), Some(version), Some(document)) if version > index.deleted => {
                    let Some(version) = Version::new(version) else {
                        return Err(odd(document, VERSION));
                    };
                    let snapshot = Snapshot {
                        version,
                        schema_version: schema,
                        document: document.payload.clone(),
                    };
                    let seq = document.header(SEQUENCE).and_then(|seq| seq.parse().ok());
                    return Ok(Some((snapshot, seq)));
                }
                // One is just taking the place of another. Lost for good is allowed as well.
                (Some(_), ..) if pause < Duration::from_millis(50) => {
                    self.state.wire.runtime.sleep(pause).await;
                    pause *= 2;
                }
                _ => return Ok(None),
            }
        }
    }

    /// Removes all snapshots of a stream, as if none had ever been.
    pub(crate) async fn delete_snapshots(&self, stream: &StreamId) -> Result<(), StoreError> {
        let all = self.key(&format!("s.{}.*", tokens(stream)));
        self.state.purge(&all, None).await.map(drop)
    }

    async fn index(&self, stream: &StreamId) -> Result<(Index, u64), StoreError> {
        match self.state.last_one(&self.index_key(stream)).await? {
            Some(found) => Ok((decode(&found)?, found.seq)),
            None => Ok((Index::default(), 0)),
        }
    }

    async fn documents(&self, stream: &StreamId) -> Result<Vec<Message>, StoreError> {
        let all = self.key(&format!("s.{}.*", tokens(stream)));
        let mut found = self.state.last(&[all]).await?.0;
        let index = self.index_key(stream);
        found.retain(|message| message.subject != index);
        Ok(found)
    }

    async fn store_state(&self, messages: Vec<Outgoing>) -> Result<u64, Refusal> {
        let Ok(_permit) = self.batches.acquire().await else {
            return Err(Refusal::NotApplied(StoreError::permanent("the store is closed")));
        };
        self.state.publish_batch(messages).await
    }

    fn index_key(&self, stream: &StreamId) -> String {
        self.key(&format!("s.{}.index", tokens(stream)))
    }

    fn document_key(&self, stream: &StreamId, schema: u32) -> String {
        self.key(&format!("s.{}.{schema}", tokens(stream)))
    }
}

fn number(message: &Message, name: &str) -> Result<u64, StoreError> {
    let parsed = message.header(name).and_then(|number| number.parse().ok());
    parsed.ok_or_else(|| odd(message, name))
}
