use async_trait::async_trait;
use asynx_core::store::{ParkedEvent, Parking};
use asynx_core::{Position, StoreError};
use sqlx::sqlite::SqliteRow;

use crate::SqliteStore;
use crate::row;
use crate::statement::Values;

pub(crate) const PARK: &str = "INSERT INTO asynx_parked (reader, position, category, aggregate_id, version, event_id,
    event_name, error, attempts, parked_at)
VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
ON CONFLICT (reader, position) DO UPDATE
    SET error = excluded.error, attempts = excluded.attempts, parked_at = excluded.parked_at";

pub(crate) const UNPARK: &str = "DELETE FROM asynx_parked WHERE reader = ?1 AND position = ?2 RETURNING 1";

const PARKED: &str =
    "SELECT position, category, aggregate_id, version, event_id, event_name, error, attempts, parked_at
FROM asynx_parked WHERE reader = ?1 AND position > ?2 ORDER BY position LIMIT ?3";

#[async_trait]
impl Parking for SqliteStore {
    async fn park(&self, reader: &str, event: &ParkedEvent) -> Result<(), StoreError> {
        let mut writing = self.writing().await?;
        writing.run(PARK, values(reader, event)?).await?;
        Ok(writing.commit().await?)
    }

    async fn parked(
        &self,
        reader: &str,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<ParkedEvent>, StoreError> {
        let limit = i64::try_from(limit).unwrap_or(i64::MAX);
        let after = after.map_or(Ok(0), number)?;
        let values = Values::default().text(reader).number(after).number(limit);
        let rows = self.database().read(PARKED, values).await?;
        rows.iter().map(parked).collect()
    }

    async fn unpark(&self, reader: &str, position: Position) -> Result<bool, StoreError> {
        let mut writing = self.writing().await?;
        let values = Values::default().text(reader).number(number(position)?);
        let unparked = writing.run(UNPARK, values).await?;
        writing.commit().await?;
        Ok(!unparked[0].is_empty())
    }
}

pub(crate) fn values(reader: &str, event: &ParkedEvent) -> Result<Values, StoreError> {
    let values = Values::with_room_for(10)
        .text(reader)
        .number(number(event.position)?)
        .text(event.stream.category.as_str())
        .text(event.stream.aggregate_id.as_str())
        .number(event.version.as_i64())
        .blob(event.event_id.as_uuid().as_bytes())
        .text(event.event_name.as_str())
        .text(event.error.as_str())
        .number(event.attempts.into())
        .number(event.parked_at.as_micros());
    Ok(values)
}

/// What SQLite keeps of a position.
pub(crate) fn number(position: Position) -> Result<i64, StoreError> {
    let [0, 0, number] = position.parts() else {
        return Err(StoreError::permanent(format!(
            "position {position} is of another store's log"
        )));
    };
    i64::try_from(number).map_err(|_| StoreError::permanent(format!("position {position} is of another store's log")))
}

fn parked(row: &SqliteRow) -> Result<ParkedEvent, StoreError> {
    Ok(ParkedEvent {
        position: row::position(row, 0)?,
        stream: row::stream(row, 1, 2)?,
        version: row::version(row, 3)?,
        event_id: row::event_id(row, 4)?,
        event_name: row::event_name(row, 5)?,
        error: row::text(row, 6)?,
        attempts: u32::try_from(row::number(row, 7)?).unwrap_or(u32::MAX),
        parked_at: row::timestamp(row, 8)?,
    })
}
