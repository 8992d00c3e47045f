use async_trait::async_trait;
use asynx_core::store::{Checkpoint, Checkpoints};
use asynx_core::{Position, StoreError};
use serde::{Deserialize, Serialize};

use crate::JetStreamStore;
use crate::names::token;

/// How far a reader has come. It stays when the reader is removed, so that no fence comes again (C5).
#[derive(Serialize, Deserialize)]
struct Reader {
    fence: u64,
    position: Option<[u64; 3]>,
    #[serde(default)]
    removed: bool,
}

#[async_trait]
impl Checkpoints for JetStreamStore {
    async fn get(&self, reader: &str) -> Result<Option<Checkpoint>, StoreError> {
        let kept: Option<Reader> = self.shared.value(&key(reader)).await?;
        Ok(kept.filter(|kept| !kept.removed).map(|kept| kept.checkpoint()))
    }

    async fn claim(&self, reader: &str) -> Result<Checkpoint, StoreError> {
        let key = key(reader);
        let claimed = self.shared.update(&key, |kept: Option<Reader>| {
            let position = kept
                .as_ref()
                .filter(|kept| !kept.removed)
                .and_then(|kept| kept.position);
            let claimed = Reader {
                fence: kept.map_or(0, |kept| kept.fence) + 1,
                position,
                removed: false,
            };
            let checkpoint = claimed.checkpoint();
            (Some(claimed), checkpoint)
        });
        claimed.await
    }

    async fn put(&self, reader: &str, position: Option<Position>, fence: u64) -> Result<bool, StoreError> {
        let position = position.map(Position::parts);
        let removed = false;
        self.change(reader, fence, move || Reader {
            fence,
            position,
            removed,
        })
        .await
    }

    async fn remove(&self, reader: &str, fence: u64) -> Result<bool, StoreError> {
        let (position, removed) = (None, true);
        self.change(reader, fence, move || Reader {
            fence,
            position,
            removed,
        })
        .await
    }
}

impl JetStreamStore {
    /// Changes a reader that is known, by its newest owner (C3).
    async fn change(
        &self,
        reader: &str,
        fence: u64,
        after: impl Fn() -> Reader + Send + Sync,
    ) -> Result<bool, StoreError> {
        let key = key(reader);
        let changed = self.shared.update(&key, |kept: Option<Reader>| {
            let is_owner = kept.is_some_and(|kept| kept.fence == fence && !kept.removed);
            (is_owner.then(&after), is_owner)
        });
        changed.await
    }
}

impl Reader {
    fn checkpoint(&self) -> Checkpoint {
        Checkpoint {
            position: self.position.map(Position::new),
            fence: self.fence,
        }
    }
}

fn key(reader: &str) -> String {
    format!("c.{}", token(reader))
}
