use std::sync::Arc;

use asynx_core::store::{AppendError, LogEvent};
use asynx_core::{Store, StoreError, StreamId, Version};
use asynx_lanes::inline::{Route, changed};

use super::Failed;
use crate::database::Database;
use crate::row;
use crate::statement::Values;
use crate::write::Writing;

pub(crate) const TOMBSTONE: &str = "SELECT position, event_id, event_name, occurred_at
FROM asynx_events INDEXED BY asynx_events_by_version WHERE stream = ?1 AND version = ?2";

/// What the row of a stream says of its forgetting.
pub(crate) struct Erased {
    /// The stream's number.
    pub(crate) number: i64,
    /// The newest event, and the newest tombstone.
    pub(crate) head: Option<Version>,
    pub(crate) floor: Option<Version>,
    /// How often what is noted had changed.
    pub(crate) changes: i64,
}

impl Database {
    /// Gives the tombstone of what is erased to the inline projections, and commits.
    pub(crate) async fn commit_erased(
        &self,
        mut writing: Writing,
        stream: &StreamId,
        erased: &Erased,
        store: Option<&Arc<dyn Store>>,
    ) -> Result<(), StoreError> {
        let roster = self.inline.roster();
        if erased.changes != roster.changes {
            writing.roll_back().await;
            self.learn().await?;
            return Err(changed());
        }
        let refusal = match (roster.route(&stream.category), store) {
            (Route::Plain, _) => return Ok(writing.commit().await?),
            (Route::Refused(error), _) => error,
            (Route::Inline, None) => StoreError::permanent("an inline projection erases nothing"),
            (Route::Inline, Some(store)) => {
                // A life that began after it is not to be taken for what is forgotten.
                let tombstone = match erased.floor.filter(|_| erased.head == erased.floor) {
                    Some(version) => tombstone(&mut writing, stream, erased.number, version).await?,
                    None => None,
                };
                let Some(tombstone) = tombstone else {
                    return Ok(writing.commit().await?);
                };
                let projected = self.project(writing, &[tombstone], store, "nothing was erased").await;
                return projected.map_err(|failed| match failed {
                    Failed::One(error) | Failed::All(AppendError::NotApplied(error) | AppendError::Unknown(error)) => {
                        error
                    }
                    Failed::All(other) => StoreError::permanent(other.to_string()),
                });
            }
        };
        writing.roll_back().await;
        Err(refusal)
    }
}

async fn tombstone(
    writing: &mut Writing,
    stream: &StreamId,
    number: i64,
    version: Version,
) -> Result<Option<LogEvent>, StoreError> {
    let values = Values::default().number(number).number(version.as_i64());
    let found = writing.run(TOMBSTONE, values).await?;
    let Some(row) = found.last().and_then(|rows| rows.first()) else {
        return Ok(None);
    };
    Ok(Some(LogEvent {
        position: row::position(row, 0)?,
        stream: stream.clone(),
        version,
        event_id: row::event_id(row, 1)?,
        event_name: row::event_name(row, 2)?,
        occurred_at: row::timestamp(row, 3)?,
        record: None,
    }))
}
