use async_trait::async_trait;
use asynx_core::store::{Erase, ForgetPolicy, PendingErasure};
use asynx_core::{Category, StoreError, StreamId, Version};

use crate::SqliteStore;
use crate::inline::Erased;
use crate::read::of_stream;
use crate::row;
use crate::statement::Values;

pub(crate) const FIND: &str = "BEGIN IMMEDIATE;
SELECT stream, floor, version, 
    (SELECT changes FROM asynx_inline_changes WHERE only_row = 1)
FROM asynx_streams INDEXED BY asynx_streams_by_name WHERE category = ?1 AND aggregate_id = ?2";

pub(crate) const KEEP_ROWS: &str = "UPDATE asynx_events INDEXED BY asynx_events_by_version SET record = NULL
    WHERE stream = ?1 AND version <= ?2 AND record IS NOT NULL";

/// The tombstone's row stays (E6).
pub(crate) const ERASE_ALL: &str = "DELETE FROM asynx_events INDEXED BY asynx_events_by_version
    WHERE stream = ?1 AND version < ?2;
UPDATE asynx_events INDEXED BY asynx_events_by_version SET record = NULL WHERE stream = ?1 AND version = ?2";

pub(crate) const DONE: &str = "DELETE FROM asynx_snapshots WHERE stream = ?1 AND version <= ?2;
UPDATE asynx_streams SET erased = max(erased, ?2), fence = max(fence, ?2) WHERE stream = ?1";

pub(crate) const PENDING: &str =
    "SELECT category, aggregate_id, floor FROM asynx_streams INDEXED BY asynx_streams_pending
WHERE category = ?1 AND floor > erased
ORDER BY stream";

pub(crate) const DELETE: &str = "BEGIN IMMEDIATE;
DELETE FROM asynx_events WHERE stream = (SELECT stream FROM asynx_streams WHERE category = ?1 AND aggregate_id = ?2);
DELETE FROM asynx_snapshots WHERE stream = (SELECT stream FROM asynx_streams WHERE category = ?1 AND aggregate_id = ?2);
DELETE FROM asynx_streams WHERE category = ?1 AND aggregate_id = ?2;
COMMIT";

#[async_trait]
impl Erase for SqliteStore {
    async fn erase_through(&self, stream: &StreamId, through: Version, policy: ForgetPolicy) -> Result<(), StoreError> {
        let (mut writing, found) = self.database().begin(FIND, of_stream(stream)).await?;
        let Some(found) = found.last().and_then(|rows| rows.first()) else {
            writing.roll_back().await;
            return Ok(());
        };
        if Some(through) > row::optional_version(found, 1)? {
            writing.roll_back().await;
            return Err(StoreError::permanent(format!(
                "{stream} has no tombstone at or above version {through}: its living events are not erased"
            )));
        }
        let erased = Erased {
            number: row::number(found, 0)?,
            floor: row::optional_version(found, 1)?,
            head: row::optional_version(found, 2)?,
            changes: row::number(found, 3)?,
        };
        let dead = Values::default().number(erased.number).number(through.as_i64());
        let erase = match policy {
            ForgetPolicy::KeepRows => KEEP_ROWS,
            ForgetPolicy::EraseAll => ERASE_ALL,
        };
        writing.run(erase, dead.clone()).await?;
        writing.run(DONE, dead).await?;
        let committing = self.database().commit_erased(writing, stream, &erased, self.reading());
        committing.await
    }

    async fn pending(&self, category: &Category) -> Result<Vec<PendingErasure>, StoreError> {
        let category = Values::default().text(category.as_str());
        let rows = self.database().read(PENDING, category).await?;
        let pending = rows.iter().map(|row| {
            Ok(PendingErasure {
                stream: row::stream(row, 0, 1)?,
                tombstone: row::version(row, 2)?,
            })
        });
        pending.collect()
    }
}

impl SqliteStore {
    /// Removes a stream with all its traces (S12).
    pub(crate) async fn delete_all(&self, stream: &StreamId) -> Result<(), StoreError> {
        self.database().write(DELETE, of_stream(stream)).await.map(drop)
    }
}
