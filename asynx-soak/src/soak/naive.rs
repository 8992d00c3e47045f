use anyhow::{Context as _, Result, bail};
use asynx_core::store::{LogEvent, LogPage, LogQuery};
use asynx_core::{EventId, EventName, Position, StreamId, Timestamp, Version};
use sqlx::postgres::PgRow;
use sqlx::{AssertSqlSafe, PgConnection, Row as _};
use tokio::sync::Mutex;

use crate::database::Database;

/// Reads the table of events as one would who thinks that what comes later has a higher position.
pub(super) struct Naive {
    connection: Mutex<PgConnection>,
    sql: String,
}

const PAGE: &str = "
select epoch, tx, seq, category, aggregate_id, version, event_id, event_name, occurred_at, record
from {schema}.events where (epoch, tx, seq) > ($1, $2, $3) order by epoch, tx, seq limit $4
";

impl Naive {
    pub(super) async fn open(database: &Database) -> Result<Self> {
        let Database::Postgres(postgres) = database else {
            bail!("a log without a watermark is of PostgreSQL only: the others write one after the other");
        };
        Ok(Self {
            connection: Mutex::new(postgres.connect().await?),
            sql: postgres.fill(PAGE),
        })
    }

    pub(super) async fn read(&self, query: &LogQuery) -> Result<LogPage> {
        let [epoch, tx, seq] = query.after.map_or([0; 3], Position::parts).map(u64::cast_signed);
        let rows = sqlx::query(AssertSqlSafe(self.sql.clone()))
            .bind(i32::try_from(epoch)?)
            .bind(tx)
            .bind(i32::try_from(seq)?)
            .bind(i64::try_from(query.max_events)?)
            .fetch_all(&mut *self.connection.lock().await)
            .await?;
        let mut events = rows.iter().map(event).collect::<Result<Vec<_>>>()?;
        let mut bytes = 0;
        let fits = events.iter().take_while(|event| {
            bytes += event.record.as_ref().map_or(0, |record| record.len());
            bytes <= query.max_bytes
        });
        let fitting = fits.count().max(1);
        let at_end = events.len() < query.max_events && events.len() <= fitting;
        events.truncate(fitting);
        let next = events.last().map(|event| event.position);
        events.retain(|event| query.filter.wants(&event.stream, &event.event_name));
        Ok(LogPage {
            events,
            next: next.or(query.after),
            at_end,
        })
    }
}

fn event(row: &PgRow) -> Result<LogEvent> {
    let (epoch, tx, seq): (i32, i64, i32) = (row.try_get(0)?, row.try_get(1)?, row.try_get(2)?);
    let version: i64 = row.try_get(5)?;
    let record: Option<Vec<u8>> = row.try_get(9)?;
    Ok(LogEvent {
        position: Position::new([i64::from(epoch), tx, i64::from(seq)].map(i64::cast_unsigned)),
        stream: StreamId::parse(row.try_get(3)?, row.try_get(4)?)?,
        version: Version::new(version.cast_unsigned()).context("version 0")?,
        event_id: EventId::from_uuid(row.try_get(6)?),
        event_name: EventName::parse_stored(row.try_get::<&str, _>(7)?)?,
        occurred_at: Timestamp::from_micros(row.try_get(8)?),
        record: record.map(Into::into),
    })
}
