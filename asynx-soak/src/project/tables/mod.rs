//! The tables that the projections write, and the log, both in plain SQL.

mod postgres;
mod sqlite;
mod view;

use anyhow::Result;
use async_trait::async_trait;

pub(super) use postgres::PostgresTables;
pub(super) use sqlite::SqliteTables;
pub(super) use view::{NO_TABLES, View};

use super::judge::Event;

/// Writes in the transaction of a checkpoint.
#[async_trait]
pub(super) trait Within<X>: Send + Sync + 'static {
    async fn write_in(&self, transaction: &mut X, table: &str, rows: &[Event]) -> Result<()>;
}

/// Writes over connections of its own, all or nothing.
#[async_trait]
pub(super) trait Own: Send + Sync + 'static {
    async fn write(&self, table: &str, rows: &[Event]) -> Result<()>;
}
