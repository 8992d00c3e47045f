//! An inline projection that keeps a row for each living event, and misbehaves where it is asked to.

use std::time::Duration;

use asynx_core::store::LogEvent;
use asynx_projection::{Batch, HandlerError, Inline, TransactionalProjection, Untyped};
use asynx_store_sqlite::{SqliteOptions, SqliteStore, SqliteTransaction};
use sqlx::{AssertSqlSafe, Executor};

use super::{Folder, shell};

/// Its table, which has to be there.
pub(crate) struct Mirror(String);

impl Mirror {
    /// Makes a table in a file, which has to be a store's before.
    pub(crate) async fn prepare(folder: &Folder, options: SqliteOptions, table: &str) {
        let opened = SqliteStore::open_with(folder.file(), options.without_inline("mirror")).await;
        opened.expect("the store opens").close().await;
        let sql = format!(
            "CREATE TABLE IF NOT EXISTS {table} (
                 category TEXT, aggregate_id TEXT, version INTEGER, event_id BLOB,
                 PRIMARY KEY (category, aggregate_id, version)
             )"
        );
        let made = shell(folder).await.execute(AssertSqlSafe(sql)).await;
        made.expect("the table is made");
    }

    /// The projection, which is called `mirror`.
    pub(crate) fn of(table: &str) -> Inline<Self, Untyped> {
        Inline::new("mirror", || Untyped, Self(table.to_owned())).with_timeout(Duration::from_millis(1500))
    }

    /// For the category `test` alone.
    pub(crate) fn of_tests(table: &str) -> Inline<Self, Untyped> {
        Self::of(table).with_categories([super::stream("a").category])
    }

    async fn write(&self, transaction: &mut SqliteTransaction, event: &LogEvent) -> Result<(), HandlerError> {
        let Self(table) = self;
        let dead = format!("DELETE FROM {table} WHERE category = ? AND aggregate_id = ? AND version <= ?");
        let alive = format!("INSERT OR REPLACE INTO {table} VALUES (?, ?, ?, ?)");
        let is_dead = event.event_name.is_tombstone();
        let row = sqlx::query(AssertSqlSafe(if is_dead { dead } else { alive }))
            .bind(event.stream.category.to_string())
            .bind(event.stream.aggregate_id.to_string())
            .bind(event.version.as_i64());
        let row = match is_dead {
            true => row,
            false => row.bind(event.event_id.as_uuid().as_bytes().to_vec()),
        };
        row.execute(transaction.connection()?).await?;
        Ok(())
    }
}

#[async_trait::async_trait]
impl TransactionalProjection<SqliteTransaction> for Mirror {
    type Decode = Untyped;

    async fn handle(
        &self,
        transaction: &mut SqliteTransaction,
        batch: Batch<'_, LogEvent>,
    ) -> Result<(), HandlerError> {
        for event in batch.iter() {
            self.write(transaction, event).await?;
            match event.stream.aggregate_id.as_str() {
                "!fail" => return Err(HandlerError::permanent("it was told to fail")),
                "!retry" => return Err(HandlerError::transient("it was told to be tried again")),
                "!panic" => panic!("it was told to panic"),
                "!wait" => tokio::time::sleep(Duration::from_secs(60)).await,
                #[expect(clippy::disallowed_methods, reason = "a thread that is blocked is what is tested")]
                "!block" => std::thread::sleep(Duration::from_secs(3)),
                "!rollback" => drop(transaction.connection()?.execute("ROLLBACK").await),
                "!commit" => drop(transaction.connection()?.execute("COMMIT").await),
                _ if event.event_name.as_str() == "Bad" => return Err("this event is bad".into()),
                _ => {}
            }
        }
        Ok(())
    }

    async fn switched(&self, transaction: &mut SqliteTransaction) -> Result<(), HandlerError> {
        let view = format!("CREATE VIEW in_use AS SELECT * FROM {}", self.0);
        transaction.connection()?.execute(AssertSqlSafe(view)).await?;
        Ok(())
    }

    async fn removed(&self, transaction: &mut SqliteTransaction) -> Result<(), HandlerError> {
        let gone = format!("DROP TABLE {}", self.0);
        transaction.connection()?.execute(AssertSqlSafe(gone)).await?;
        Ok(())
    }
}
