use asynx_core::store::{FoundEvent, Head, HeadQuery, Load, Loaded, Snapshot, StoredEvent};
use asynx_core::{StoreError, StreamId, Version};
use bytes::Bytes;
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use crate::error::store_error;
use crate::log::position;
use crate::store::Shared;

impl Shared {
    pub(crate) async fn read(
        &self,
        stream: &StreamId,
        from: Version,
        count: usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        let mut connection = self.connections.reader().await.map_err(store_error)?;
        let rows = sqlx::query(self.statements.read.get())
            .bind(stream.category.as_str())
            .bind(stream.aggregate_id.as_str())
            .bind(from.as_i64())
            .bind(at_most(count))
            .fetch_all(&mut *connection)
            .await
            .map_err(store_error)?;
        connection.keep();
        let events: Result<_, sqlx::Error> = rows.iter().map(|row| stored(row, 0)).collect();
        events.map_err(store_error)
    }

    pub(crate) async fn count(&self, stream: &StreamId, from: Version) -> Result<u64, StoreError> {
        let mut connection = self.connections.reader().await.map_err(store_error)?;
        let count: Option<i64> = sqlx::query_scalar(self.statements.count.get())
            .bind(stream.category.as_str())
            .bind(stream.aggregate_id.as_str())
            .bind(from.as_i64())
            .fetch_optional(&mut *connection)
            .await
            .map_err(store_error)?;
        Ok(count.and_then(|count| u64::try_from(count).ok()).unwrap_or(0))
    }

    pub(crate) async fn heads(&self, queries: &[HeadQuery]) -> Result<Vec<Head>, StoreError> {
        let category: Vec<&str> = queries.iter().map(|query| query.stream.category.as_str()).collect();
        let id: Vec<&str> = queries.iter().map(|query| query.stream.aggregate_id.as_str()).collect();
        let event_id: Vec<_> = queries
            .iter()
            .map(|query| query.event_id.map(|id| id.as_uuid()))
            .collect();
        let mut connection = self.connections.reader().await.map_err(store_error)?;
        let rows = sqlx::query(self.statements.heads.get())
            .bind(category)
            .bind(id)
            .bind(event_id)
            .fetch_all(&mut *connection)
            .await
            .map_err(store_error)?;
        connection.keep();
        let mut heads = vec![Head::default(); queries.len()];
        let filled = rows.iter().try_for_each(|row| {
            let at = ord(row, heads.len())?;
            heads[at] = head(row)?;
            Ok(())
        });
        filled.map_err(store_error)?;
        Ok(heads)
    }

    pub(crate) async fn load(&self, loads: &[Load]) -> Result<Vec<Loaded>, StoreError> {
        let category: Vec<&str> = loads.iter().map(|load| load.stream.category.as_str()).collect();
        let id: Vec<&str> = loads.iter().map(|load| load.stream.aggregate_id.as_str()).collect();
        let from: Vec<Option<i64>> = loads.iter().map(|load| load.from.map(Version::as_i64)).collect();
        let schema: Vec<_> = loads
            .iter()
            .map(|load| load.snapshot.map(|schema| i64::from(schema.get())))
            .collect();
        // One more than wanted tells whether there are more.
        let most: Vec<i64> = loads.iter().map(|load| at_most(load.limit).saturating_add(1)).collect();
        let mut connection = self.connections.reader().await.map_err(store_error)?;
        let rows = sqlx::query(self.statements.load.get())
            .bind(category)
            .bind(id)
            .bind(from)
            .bind(schema)
            .bind(most)
            .fetch_all(&mut *connection)
            .await
            .map_err(store_error)?;
        connection.keep();
        let mut all = vec![Loaded::default(); loads.len()];
        let filled = rows.iter().try_for_each(|row| {
            let at = ord(row, all.len())?;
            fill(&mut all[at], &loads[at], row)
        });
        filled.map_err(store_error)?;
        for (loaded, load) in all.iter_mut().zip(loads) {
            loaded.more = loaded.events.len() > load.limit;
            loaded.events.truncate(load.limit);
        }
        Ok(all)
    }

    pub(crate) async fn delete(&self, stream: &StreamId) -> Result<(), StoreError> {
        let deleting = async {
            let mut transaction = self.connections.begin().await?;
            for statement in &self.statements.delete {
                sqlx::query(statement.get())
                    .bind(stream.category.as_str())
                    .bind(stream.aggregate_id.as_str())
                    .execute(&mut *transaction)
                    .await?;
            }
            transaction.commit().await
        };
        deleting.await.map_err(store_error)
    }
}

/// The number of a row's question, from 0.
fn ord(row: &PgRow, questions: usize) -> Result<usize, sqlx::Error> {
    let ord: i64 = row.try_get(0)?;
    let at = usize::try_from(ord - 1).ok().filter(|at| *at < questions);
    at.ok_or_else(|| sqlx::Error::Protocol(format!("an answer to question {ord}, which was not asked")))
}

fn head(row: &PgRow) -> Result<Head, sqlx::Error> {
    let found = match version(row, 4)? {
        Some(version) => Some(FoundEvent {
            version,
            position: Some(position(
                row.try_get(5)?,
                row.try_get(6)?,
                row.try_get::<i32, _>(7)?.into(),
            )),
            record: row.try_get::<Option<Vec<u8>>, _>(8)?.map(Bytes::from),
        }),
        None => None,
    };
    Ok(Head {
        version: version(row, 1)?,
        floor: version(row, 2)?,
        erasing: row.try_get::<Option<i64>, _>(2)? > row.try_get::<Option<i64>, _>(3)?,
        found,
    })
}

fn fill(loaded: &mut Loaded, load: &Load, row: &PgRow) -> Result<(), sqlx::Error> {
    if row.try_get::<Option<i64>, _>(4)?.is_some() {
        loaded.events.push(stored(row, 4)?);
        return Ok(());
    }
    loaded.head = version(row, 1)?;
    loaded.floor = version(row, 2)?;
    loaded.snapshot = match (version(row, 3)?, load.snapshot) {
        (Some(version), Some(schema_version)) => Some(Snapshot {
            version,
            schema_version,
            document: row.try_get::<Vec<u8>, _>(8)?.into(),
        }),
        _ => None,
    };
    Ok(())
}

/// A version and what follows: the position, the record.
fn stored(row: &PgRow, from: usize) -> Result<StoredEvent, sqlx::Error> {
    let missing = || sqlx::Error::Protocol("an event has no version".to_owned());
    let seq: i32 = row.try_get(from + 3)?;
    Ok(StoredEvent {
        version: version(row, from)?.ok_or_else(missing)?,
        position: Some(position(row.try_get(from + 1)?, row.try_get(from + 2)?, seq.into())),
        record: row.try_get::<Vec<u8>, _>(from + 4)?.into(),
    })
}

/// A version; 0 and null stand for none.
pub(crate) fn version(row: &PgRow, column: usize) -> Result<Option<Version>, sqlx::Error> {
    let number: Option<i64> = row.try_get(column)?;
    Ok(number
        .and_then(|number| u64::try_from(number).ok())
        .and_then(Version::new))
}

pub(crate) fn at_most(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
