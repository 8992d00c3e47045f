use anyhow::Result;
use async_trait::async_trait;
use asynx_core::Position;
use sqlx::{AssertSqlSafe, PgConnection, PgPool, Postgres as Driver, Transaction};
use uuid::Uuid;

use super::{Own, Within};
use crate::database::Postgres;
use crate::project::judge::Event;
use crate::project::table::TABLES;

/// Tables beside those of the store. None of them has a unique index, so that everything can be written twice.
#[derive(Clone)]
pub(in crate::project) struct PostgresTables {
    postgres: Postgres,
    pool: PgPool,
}

const CREATE: &str = "create table {schema}.{table} (number bigint generated always as identity primary key,
    event_id uuid not null, stream text not null, version bigint not null)";

const INSERT: &str = "insert into {schema}.{table} (event_id, stream, version)
select event_id, stream, version
from unnest($1::uuid[], $2::text[], $3::bigint[]) with ordinality as row (event_id, stream, version, place)
order by place";

const ROWS: &str = "select event_id, stream, version from {schema}.{table} order by number";

const LOG: &str =
    "select event_id, category || '/' || aggregate_id, version from {schema}.events order by epoch, tx, seq";

const END: &str =
    "select epoch::bigint, tx, seq::bigint from {schema}.events order by epoch desc, tx desc, seq desc limit 1";

const CHECKPOINTS: &str = "select position from {schema}.checkpoints where reader = any($1)";

impl PostgresTables {
    pub(in crate::project) async fn open(postgres: &Postgres) -> Result<Self> {
        Ok(Self {
            postgres: postgres.clone(),
            pool: postgres.pool(4).await?,
        })
    }

    pub(super) async fn create(&self) -> Result<()> {
        for table in TABLES {
            sqlx::query(self.sql(CREATE, table.name)).execute(&self.pool).await?;
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
        let end: Option<(i64, i64, i64)> = sqlx::query_as(self.sql(END, "")).fetch_optional(&self.pool).await?;
        Ok(end.map(|(epoch, tx, seq)| Position::new([epoch, tx, seq].map(i64::cast_unsigned))))
    }

    pub(super) async fn checkpoints(&self, readers: &[String]) -> Result<Vec<Option<String>>> {
        let sql = self.sql(CHECKPOINTS, "");
        Ok(sqlx::query_scalar(sql).bind(readers).fetch_all(&self.pool).await?)
    }

    async fn events(&self, sql: &str, table: &str) -> Result<Vec<Event>> {
        let rows: Vec<(Uuid, String, i64)> = sqlx::query_as(self.sql(sql, table)).fetch_all(&self.pool).await?;
        let events = rows
            .into_iter()
            .map(|(id, stream, version)| Event { id, stream, version });
        Ok(events.collect())
    }

    async fn insert(&self, connection: &mut PgConnection, table: &str, rows: &[Event]) -> Result<()> {
        let ids: Vec<Uuid> = rows.iter().map(|row| row.id).collect();
        let streams: Vec<&str> = rows.iter().map(|row| &*row.stream).collect();
        let versions: Vec<i64> = rows.iter().map(|row| row.version).collect();
        sqlx::query(self.sql(INSERT, table))
            .bind(ids)
            .bind(streams)
            .bind(versions)
            .execute(connection)
            .await?;
        Ok(())
    }

    fn sql(&self, sql: &str, table: &str) -> AssertSqlSafe<String> {
        AssertSqlSafe(self.postgres.fill(sql).replace("{table}", table))
    }
}

#[async_trait]
impl Within<Transaction<'static, Driver>> for PostgresTables {
    async fn write_in(
        &self,
        transaction: &mut Transaction<'static, Driver>,
        table: &str,
        rows: &[Event],
    ) -> Result<()> {
        self.insert(transaction, table, rows).await
    }
}

#[async_trait]
impl Own for PostgresTables {
    async fn write(&self, table: &str, rows: &[Event]) -> Result<()> {
        let mut connection = self.pool.acquire().await?;
        self.insert(&mut connection, table, rows).await
    }
}
