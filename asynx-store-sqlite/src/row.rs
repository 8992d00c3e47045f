//! What the columns of rows hold.

use asynx_core::{AggregateId, EventId, EventName, Position, SchemaVersion, StoreError, StreamId, Timestamp, Version};
use bytes::Bytes;
use sqlx::Row;
use sqlx::sqlite::SqliteRow;
use uuid::Uuid;

/// The one row of the last statement.
pub(crate) fn only(statements: &[Vec<SqliteRow>]) -> Result<&SqliteRow, StoreError> {
    let row = statements.last().and_then(|rows| rows.first());
    row.ok_or_else(|| StoreError::permanent("SQLite gave no row where there is always one"))
}

pub(crate) fn number(row: &SqliteRow, column: usize) -> Result<i64, StoreError> {
    row.try_get_unchecked(column).map_err(unreadable)
}

/// `None` where it is NULL.
pub(crate) fn optional_number(row: &SqliteRow, column: usize) -> Result<Option<i64>, StoreError> {
    row.try_get_unchecked(column).map_err(unreadable)
}

pub(crate) fn text(row: &SqliteRow, column: usize) -> Result<String, StoreError> {
    row.try_get_unchecked(column).map_err(unreadable)
}

pub(crate) fn optional_text(row: &SqliteRow, column: usize) -> Result<Option<String>, StoreError> {
    row.try_get_unchecked(column).map_err(unreadable)
}

/// Where in a list a row belongs.
pub(crate) fn index(row: &SqliteRow, column: usize) -> Result<usize, StoreError> {
    let number = number(row, column)?;
    usize::try_from(number).map_err(unreadable)
}

pub(crate) fn bytes(row: &SqliteRow, column: usize) -> Result<Bytes, StoreError> {
    optional_bytes(row, column).map(Option::unwrap_or_default)
}

pub(crate) fn optional_bytes(row: &SqliteRow, column: usize) -> Result<Option<Bytes>, StoreError> {
    let bytes: Option<Vec<u8>> = row.try_get_unchecked(column).map_err(unreadable)?;
    Ok(bytes.map(Bytes::from))
}

/// A version; 0 and NULL stand for none.
pub(crate) fn optional_version(row: &SqliteRow, column: usize) -> Result<Option<Version>, StoreError> {
    match optional_number(row, column)? {
        None | Some(0) => Ok(None),
        Some(number) => version_of(number).map(Some),
    }
}

pub(crate) fn version(row: &SqliteRow, column: usize) -> Result<Version, StoreError> {
    version_of(number(row, column)?)
}

pub(crate) fn schema_version(row: &SqliteRow, column: usize) -> Result<SchemaVersion, StoreError> {
    let number = u32::try_from(number(row, column)?).map_err(unreadable)?;
    SchemaVersion::try_from(number).map_err(unreadable)
}

pub(crate) fn position(row: &SqliteRow, column: usize) -> Result<Position, StoreError> {
    let number = u64::try_from(number(row, column)?).map_err(unreadable)?;
    Ok(position_of(number))
}

/// One part suffices: one writer at a time puts all appends in order.
pub(crate) const fn position_of(number: u64) -> Position {
    Position::new([0, 0, number])
}

pub(crate) fn stream(row: &SqliteRow, category: usize, aggregate_id: usize) -> Result<StreamId, StoreError> {
    let category = asynx_core::Category::parse(text(row, category)?).map_err(unreadable)?;
    let aggregate_id = AggregateId::parse(text(row, aggregate_id)?).map_err(unreadable)?;
    Ok(StreamId { category, aggregate_id })
}

pub(crate) fn event_id(row: &SqliteRow, column: usize) -> Result<EventId, StoreError> {
    let id = Uuid::from_slice(&bytes(row, column)?).map_err(unreadable)?;
    Ok(EventId::from_uuid(id))
}

pub(crate) fn event_name(row: &SqliteRow, column: usize) -> Result<EventName, StoreError> {
    EventName::parse_stored(text(row, column)?).map_err(unreadable)
}

pub(crate) fn timestamp(row: &SqliteRow, column: usize) -> Result<Timestamp, StoreError> {
    number(row, column).map(Timestamp::from_micros)
}

fn version_of(number: i64) -> Result<Version, StoreError> {
    let version = u64::try_from(number).ok().and_then(Version::new);
    version.ok_or_else(|| unreadable(format!("{number} is no version")))
}

fn unreadable(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> StoreError {
    StoreError::permanent("a row of the database cannot be read: it was not written by asynx").caused_by(cause)
}
