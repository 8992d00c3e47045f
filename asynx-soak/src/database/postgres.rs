use std::sync::Arc;

use anyhow::{Context as _, Result, bail};
use asynx_core::Store;
use asynx_store_postgres::{PostgresOptions, PostgresStore};
use sqlx::postgres::PgPoolOptions;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection, PgPool};

const URL: &str = "ASYNX_TEST_POSTGRES";

/// A schema of the server that the environment names.
#[derive(Clone)]
pub(crate) struct Postgres {
    url: String,
    schema: String,
}

impl Postgres {
    /// A schema by its name.
    pub(crate) fn told(schema: String) -> Result<Self> {
        match std::env::var(URL) {
            Ok(url) if !url.is_empty() => Ok(Self { url, schema }),
            _ => bail!(
                "this needs PostgreSQL: run `cargo xtask soak` or `cargo xtask test`, or set {URL} to the URL of a \
                 server where schemas may be made, such as postgres://postgres@localhost/postgres"
            ),
        }
    }

    pub(crate) fn schema(&self) -> &str {
        &self.schema
    }

    pub(crate) async fn open(&self) -> Result<Arc<dyn Store>> {
        Ok(Arc::new(self.store().await?))
    }

    pub(crate) async fn store(&self) -> Result<PostgresStore> {
        let options = PostgresOptions::new().with_schema(&self.schema);
        let sign = if self.url.contains('?') { '&' } else { '?' };
        let url = format!("{}{sign}application_name={}", self.url, self.application_name());
        Ok(PostgresStore::connect_with(&url, options).await?)
    }

    /// By what the server knows the connections of stores.
    pub(crate) fn application_name(&self) -> &str {
        &self.schema
    }

    /// Connections beside those of the store.
    pub(crate) async fn pool(&self, size: u32) -> Result<PgPool> {
        let pool = PgPoolOptions::new().max_connections(size).connect(&self.url).await;
        pool.with_context(|| format!("failed to connect to the server that {URL} names"))
    }

    /// A connection beside those of the store.
    pub(crate) async fn connect(&self) -> Result<PgConnection> {
        PgConnection::connect(&self.url)
            .await
            .with_context(|| format!("failed to connect to the server that {URL} names"))
    }

    /// Runs statements, with the schema's name filled in for `{schema}`.
    pub(crate) async fn run(&self, sql: &str) -> Result<()> {
        let sql = AssertSqlSafe(self.fill(sql));
        sqlx::raw_sql(sql).execute(&mut self.connect().await?).await?;
        Ok(())
    }

    /// Fills in the schema's name, which has nothing in it that would have to be escaped.
    pub(crate) fn fill(&self, sql: &str) -> String {
        sql.replace("{schema}", &self.schema)
    }

    pub(crate) async fn remove(&self) -> Result<()> {
        self.run("drop schema if exists {schema} cascade").await
    }
}
