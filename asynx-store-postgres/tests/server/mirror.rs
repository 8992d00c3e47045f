//! An inline projection that keeps a row for each living event, and misbehaves where it is asked to.
#![expect(clippy::unwrap_used, reason = "a panic fails the test")]

use std::time::Duration;

use asynx::projection::{Batch, HandlerError, Inline, TransactionalProjection, Untyped};
use asynx_core::Category;
use asynx_core::store::LogEvent;
use asynx_store_postgres::PostgresOptions;
use sqlx::{AssertSqlSafe, Postgres, Transaction};

use super::{Schema, connect, run};

type Tx = Transaction<'static, Postgres>;

/// Its table, which has to be there.
pub(crate) struct Mirror(String);

impl Mirror {
    /// Makes its table; the options that have it, for every category.
    pub(crate) async fn prepare(schema: &Schema) -> PostgresOptions {
        schema.options().with_inline(Self::make(schema, "mirror").await)
    }

    /// Makes a table; the projection that fills it, which has this name as well.
    pub(crate) async fn make(schema: &Schema, name: &str) -> Inline<Self, Untyped> {
        let table = format!("{}.{name}", schema.quoted());
        let sql = format!(
            "create schema if not exists {};
             create table {table} (
                 category text collate \"C\", aggregate_id text collate \"C\", version bigint, event_id uuid,
                 primary key (category, aggregate_id, version)
             )",
            schema.quoted()
        );
        run(&mut connect().await, &sql).await;
        Self::of(schema, name)
    }

    /// The projection, whose table is there.
    pub(crate) fn of(schema: &Schema, name: &str) -> Inline<Self, Untyped> {
        Self::renamed(schema, name, name)
    }

    /// The projection, with a table of another name.
    pub(crate) fn renamed(schema: &Schema, name: &str, table: &str) -> Inline<Self, Untyped> {
        let table = format!("{}.{table}", schema.quoted());
        Inline::new(name, || Untyped, Self(table)).with_timeout(Duration::from_millis(1500))
    }

    /// Of one category.
    pub(crate) fn of_orders(inline: Inline<Self, Untyped>) -> Inline<Self, Untyped> {
        inline.with_categories([Category::parse("order").unwrap()])
    }

    async fn write(&self, transaction: &mut Tx, event: &LogEvent) -> Result<(), sqlx::Error> {
        let dead = format!(
            "delete from {} where category = $1 and aggregate_id = $2 and version <= $3",
            self.0
        );
        let alive = format!(
            "insert into {} values ($1, $2, $3, $4)
             on conflict (category, aggregate_id, version) do update set event_id = excluded.event_id",
            self.0
        );
        let row = match event.event_name.is_tombstone() {
            true => sqlx::query(AssertSqlSafe(dead)),
            false => sqlx::query(AssertSqlSafe(alive)),
        };
        let row = row
            .bind(event.stream.category.as_str())
            .bind(event.stream.aggregate_id.as_str())
            .bind(event.version.as_i64());
        let row = match event.event_name.is_tombstone() {
            true => row,
            false => row.bind(event.event_id.as_uuid()),
        };
        row.execute(&mut **transaction).await.map(drop)
    }
}

#[async_trait::async_trait]
impl TransactionalProjection<Tx> for Mirror {
    type Decode = Untyped;

    async fn handle(&self, transaction: &mut Tx, batch: Batch<'_, LogEvent>) -> Result<(), HandlerError> {
        for event in batch.iter() {
            self.write(transaction, event).await?;
            match event.stream.aggregate_id.as_str() {
                "!fail" => return Err(HandlerError::permanent("it was told to fail")),
                "!retry" => return Err(HandlerError::transient("it was told to be tried again")),
                "!panic" => panic!("it was told to panic"),
                "!wait" => tokio::time::sleep(Duration::from_secs(60)).await,
                "!lock" => drop(sqlx::query("select pg_sleep(60)").execute(&mut **transaction).await),
                #[expect(clippy::disallowed_methods, reason = "a thread that is blocked is what is tested")]
                "!block" => std::thread::sleep(Duration::from_secs(6)),
                "!slow" => tokio::time::sleep(Duration::from_millis(300)).await,
                "!swallow" => drop(sqlx::query("select 1 / 0").execute(&mut **transaction).await),
                "!rollback" => drop(sqlx::query("rollback").execute(&mut **transaction).await),
                "!commit" => drop(sqlx::query("commit").execute(&mut **transaction).await),
                _ if event.event_name.as_str() == "Bad" => return Err("this event is bad".into()),
                _ => {}
            }
        }
        Ok(())
    }

    async fn switched(&self, transaction: &mut Tx) -> Result<(), HandlerError> {
        let comment = format!("comment on table {} is 'in use'", self.0);
        sqlx::query(AssertSqlSafe(comment)).execute(&mut **transaction).await?;
        Ok(())
    }

    async fn removed(&self, transaction: &mut Tx) -> Result<(), HandlerError> {
        let gone = format!("drop table {}", self.0);
        sqlx::query(AssertSqlSafe(gone)).execute(&mut **transaction).await?;
        Ok(())
    }
}
