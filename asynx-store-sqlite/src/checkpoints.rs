use async_trait::async_trait;
use asynx_core::store::{Checkpoint, Checkpoints};
use asynx_core::{Position, StoreError};
use sqlx::sqlite::SqliteRow;

use crate::SqliteStore;
use crate::row;
use crate::statement::Values;

pub(crate) const GET: &str = "SELECT fence, position FROM asynx_checkpoints WHERE reader = ?1 AND known = 1";

pub(crate) const CLAIM: &str = "BEGIN IMMEDIATE;
INSERT INTO asynx_checkpoints (reader, fence, known, position) VALUES (?1, 1, 1, NULL)
    ON CONFLICT (reader) DO UPDATE SET fence = fence + 1, known = 1
    RETURNING fence, position;
COMMIT";

pub(crate) const PUT: &str = "BEGIN IMMEDIATE;
UPDATE asynx_checkpoints SET position = ?3 WHERE reader = ?1 AND fence = ?2 AND known = 1 RETURNING 1;
COMMIT";

/// The fence stays, so that none comes again (C5).
pub(crate) const REMOVE: &str = "BEGIN IMMEDIATE;
UPDATE asynx_checkpoints SET position = NULL, known = 0 WHERE reader = ?1 AND fence = ?2 AND known = 1 RETURNING 1;
COMMIT";

/// The same within a transaction.
pub(crate) const REMOVE_IN: &str =
    "UPDATE asynx_checkpoints SET position = NULL, known = 0 WHERE reader = ?1 AND fence = ?2 AND known = 1";

#[async_trait]
impl Checkpoints for SqliteStore {
    async fn get(&self, reader: &str) -> Result<Option<Checkpoint>, StoreError> {
        let rows = self.database().read(GET, Values::default().text(reader)).await?;
        rows.first().map(checkpoint).transpose()
    }

    async fn claim(&self, reader: &str) -> Result<Checkpoint, StoreError> {
        let claimed = self.database().write(CLAIM, Values::default().text(reader)).await?;
        checkpoint(row::only(&claimed[1..=1])?)
    }

    async fn put(&self, reader: &str, position: Option<Position>, fence: u64) -> Result<bool, StoreError> {
        let Ok(fence) = i64::try_from(fence) else {
            return Ok(false);
        };
        // As text, since its parts may be larger than what SQLite takes for a whole number.
        let position = position.map(|position| position.to_string());
        let values = Values::default().text(reader).number(fence).optional_text(position);
        let put = self.database().write(PUT, values).await?;
        Ok(!put[1].is_empty())
    }

    async fn remove(&self, reader: &str, fence: u64) -> Result<bool, StoreError> {
        let Ok(fence) = i64::try_from(fence) else {
            return Ok(false);
        };
        let values = Values::default().text(reader).number(fence);
        let removed = self.database().write(REMOVE, values).await?;
        Ok(!removed[1].is_empty())
    }
}

fn checkpoint(row: &SqliteRow) -> Result<Checkpoint, StoreError> {
    let position = row::optional_text(row, 1)?.map(|text| {
        let parsed: Result<Position, _> = text.parse();
        parsed.map_err(|error| StoreError::permanent("a checkpoint cannot be read").caused_by(error))
    });
    Ok(Checkpoint {
        position: position.transpose()?,
        fence: row::number(row, 0)?.unsigned_abs(),
    })
}
