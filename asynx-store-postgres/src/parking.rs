use async_trait::async_trait;
use asynx_core::store::{ParkedEvent, Parking};
use asynx_core::{AggregateId, Category, EventId, EventName, Position, StoreError, StreamId, Timestamp};
use sqlx::Row as _;
use sqlx::postgres::{PgExecutor, PgRow};

use crate::PostgresStore;
use crate::error::store_error;
use crate::log::{parts, position};
use crate::read::{at_most, version};
use crate::store::Shared;

#[async_trait]
impl Parking for PostgresStore {
    async fn park(&self, reader: &str, event: &ParkedEvent) -> Result<(), StoreError> {
        let mut connection = self.shared.connections.reader().await.map_err(store_error)?;
        self.shared.park(&mut *connection, reader, event).await
    }

    async fn parked(
        &self,
        reader: &str,
        after: Option<Position>,
        limit: usize,
    ) -> Result<Vec<ParkedEvent>, StoreError> {
        let (epoch, tx, seq) = match after {
            Some(after) => of_this_log(after)?,
            None => (0, 0, 0),
        };
        let mut connection = self.shared.connections.reader().await.map_err(store_error)?;
        let rows = sqlx::query(self.shared.statements.parked.get())
            .bind(reader)
            .bind(epoch)
            .bind(tx)
            .bind(seq)
            .bind(at_most(limit))
            .fetch_all(&mut *connection)
            .await;
        let parked = rows.and_then(|rows| rows.iter().map(parked).collect());
        parked.map_err(store_error)
    }

    async fn unpark(&self, reader: &str, position: Position) -> Result<bool, StoreError> {
        let mut connection = self.shared.connections.reader().await.map_err(store_error)?;
        self.shared.unpark(&mut *connection, reader, position).await
    }
}

impl Shared {
    pub(crate) async fn park(
        &self,
        executor: impl PgExecutor<'_>,
        reader: &str,
        event: &ParkedEvent,
    ) -> Result<(), StoreError> {
        let (epoch, tx, seq) = of_this_log(event.position)?;
        let parked = sqlx::query(self.statements.park.get())
            .bind(reader)
            .bind(epoch)
            .bind(tx)
            .bind(seq)
            .bind(event.stream.category.as_str())
            .bind(event.stream.aggregate_id.as_str())
            .bind(event.version.as_i64())
            .bind(event.event_id.as_uuid())
            .bind(event.event_name.as_str())
            // PostgreSQL keeps no NUL in a text.
            .bind(event.error.replace('\0', "\u{fffd}"))
            .bind(i64::from(event.attempts))
            .bind(event.parked_at.as_micros())
            .execute(executor)
            .await;
        parked.map(drop).map_err(store_error)
    }

    pub(crate) async fn unpark(
        &self,
        executor: impl PgExecutor<'_>,
        reader: &str,
        position: Position,
    ) -> Result<bool, StoreError> {
        let (epoch, tx, seq) = of_this_log(position)?;
        let unparked = sqlx::query(self.statements.unpark.get())
            .bind(reader)
            .bind(epoch)
            .bind(tx)
            .bind(seq)
            .execute(executor)
            .await;
        unparked.map(|done| done.rows_affected() > 0).map_err(store_error)
    }
}

fn of_this_log(position: Position) -> Result<(i32, i64, i32), StoreError> {
    let other = || StoreError::permanent(format!("position {position} is of another store's log"));
    parts(position).ok_or_else(other)
}

fn parked(row: &PgRow) -> Result<ParkedEvent, sqlx::Error> {
    let missing = || sqlx::Error::Protocol("a parked event has no version".to_owned());
    let decode = |error| sqlx::Error::Decode(Box::new(error));
    Ok(ParkedEvent {
        position: position(row.try_get(0)?, row.try_get(1)?, row.try_get::<i32, _>(2)?.into()),
        stream: StreamId {
            category: Category::parse(row.try_get::<&str, _>(3)?).map_err(decode)?,
            aggregate_id: AggregateId::parse(row.try_get::<&str, _>(4)?).map_err(decode)?,
        },
        version: version(row, 5)?.ok_or_else(missing)?,
        event_id: EventId::from_uuid(row.try_get(6)?),
        event_name: EventName::parse_stored(row.try_get::<&str, _>(7)?).map_err(decode)?,
        error: row.try_get(8)?,
        attempts: u32::try_from(row.try_get::<i64, _>(9)?).unwrap_or(u32::MAX),
        parked_at: Timestamp::from_micros(row.try_get(10)?),
    })
}
