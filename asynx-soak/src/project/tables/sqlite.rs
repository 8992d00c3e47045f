use anyhow::Result;
use async_trait::async_trait;
use asynx_core::Position;
use asynx_store_sqlite::SqliteTransaction;
use sqlx::{AssertSqlSafe, SqliteConnection, SqlitePool};
use uuid::Uuid;

use super::{Own, Within};
use crate::database::Sqlite;
use crate::project::judge::Event;
use crate::project::table::TABLES;

/// Tables beside those of the store. None of them has a unique index, so that everything can be written twice.
#[derive(Clone)]
pub(in crate::project) struct SqliteTables {
    pool: SqlitePool,
}

const CREATE: &str = "CREATE TABLE {table} (number INTEGER PRIMARY KEY AUTOINCREMENT, event_id BLOB NOT NULL,
    stream TEXT NOT NULL, version INTEGER NOT NULL)";

const INSERT: &str = "INSERT INTO {table} (event_id, stream, version) VALUES (?1, ?2, ?3)";

const ROWS: &str = "SELECT event_id, stream, version FROM {table} ORDER BY number";

const LOG: &str = "SELECT e.event_id, s.category || '/' || s.aggregate_id, e.version
FROM asynx_events e JOIN asynx_streams s ON s.stream = e.stream ORDER BY e.position";

const END: &str = "SELECT max(position) FROM asynx_events";

const CHECKPOINTS: &str = "SELECT position FROM asynx_checkpoints WHERE reader = ?1";

impl SqliteTables {
    pub(in crate::project) async fn open(sqlite: &Sqlite) -> Result<Self> {
        Ok(Self {
            pool: sqlite.pool(4).await?,
        })
    }

    pub(super) async fn create(&self) -> Result<()> {
        for table in TABLES {
            sqlx::query(sql(CREATE, table.name)).execute(&self.pool).await?;
        }
        Ok(())
    }

    pub(super) async fn log(&self) -> Result<Vec<Event>> {
        self.events(LOG, "").await
    }

    pub(super) async fn rows(&self, table: &str) -> Result<Vec<Event>> {
        self.events(ROWS, table).await
    }

    pub(super) async fn end(&self) -> Result<Option<Position>> {
        let end: Option<i64> = sqlx::query_scalar(END).fetch_one(&self.pool).await?;
        Ok(end.map(|end| Position::new([0, 0, end.cast_unsigned()])))
    }

    pub(super) async fn checkpoints(&self, readers: &[String]) -> Result<Vec<Option<String>>> {
        let mut checkpoints = Vec::new();
        for reader in readers {
            let kept = sqlx::query_scalar(CHECKPOINTS).bind(reader);
            checkpoints.extend(kept.fetch_optional(&self.pool).await?);
        }
        Ok(checkpoints)
    }

    async fn events(&self, text: &str, table: &str) -> Result<Vec<Event>> {
        let rows: Vec<(Uuid, String, i64)> = sqlx::query_as(sql(text, table)).fetch_all(&self.pool).await?;
        let events = rows
            .into_iter()
            .map(|(id, stream, version)| Event { id, stream, version });
        Ok(events.collect())
    }
}

async fn insert(connection: &mut SqliteConnection, table: &str, rows: &[Event]) -> Result<()> {
    for row in rows {
        sqlx::query(sql(INSERT, table))
            .bind(row.id)
            .bind(&row.stream)
            .bind(row.version)
            .execute(&mut *connection)
            .await?;
    }
    Ok(())
}

fn sql(sql: &str, table: &str) -> AssertSqlSafe<String> {
    AssertSqlSafe(sql.replace("{table}", table))
}

#[async_trait]
impl Within<SqliteTransaction> for SqliteTables {
    async fn write_in(&self, transaction: &mut SqliteTransaction, table: &str, rows: &[Event]) -> Result<()> {
        insert(transaction.connection()?, table, rows).await
    }
}

#[async_trait]
impl Own for SqliteTables {
    async fn write(&self, table: &str, rows: &[Event]) -> Result<()> {
        let mut transaction = self.pool.begin_with("BEGIN IMMEDIATE").await?;
        insert(&mut transaction, table, rows).await?;
        Ok(transaction.commit().await?)
    }
}
