use anyhow::{Result, bail};
use asynx_core::Position;

use super::{PostgresTables, SqliteTables};
use crate::database::Database;
use crate::project::judge::Event;
use crate::project::table::Table;

/// Why JetStream is none of these proofs.
pub(in crate::project) const NO_TABLES: &str =
    "this compares tables that projections write in one transaction with their checkpoints: take postgres or sqlite";

/// What lies in the database.
pub(in crate::project) enum View {
    Postgres(PostgresTables),
    Sqlite(SqliteTables),
}

impl View {
    pub(in crate::project) async fn open(database: &Database) -> Result<Self> {
        match database {
            Database::Postgres(postgres) => PostgresTables::open(postgres).await.map(Self::Postgres),
            Database::Sqlite(sqlite) => SqliteTables::open(sqlite).await.map(Self::Sqlite),
            Database::JetStream(_) => bail!(NO_TABLES),
        }
    }

    /// Makes the tables of the projections.
    pub(in crate::project) async fn create(&self) -> Result<()> {
        match self {
            Self::Postgres(tables) => tables.create().await,
            Self::Sqlite(tables) => tables.create().await,
        }
    }

    /// Everything that was stored, in its order.
    pub(in crate::project) async fn log(&self) -> Result<Vec<Event>> {
        match self {
            Self::Postgres(tables) => tables.log().await,
            Self::Sqlite(tables) => tables.log().await,
        }
    }

    /// What a projection wrote, in the order in which it did.
    pub(in crate::project) async fn rows(&self, table: Table) -> Result<Vec<Event>> {
        match self {
            Self::Postgres(tables) => tables.rows(table.name).await,
            Self::Sqlite(tables) => tables.rows(table.name).await,
        }
    }

    /// The place of the newest event.
    pub(in crate::project) async fn end(&self) -> Result<Option<Position>> {
        match self {
            Self::Postgres(tables) => tables.end().await,
            Self::Sqlite(tables) => tables.end().await,
        }
    }

    /// The checkpoints of a projection that there are so far.
    pub(in crate::project) async fn checkpoints(&self, table: Table) -> Result<Vec<Option<Position>>> {
        let readers = table.readers();
        let texts = match self {
            Self::Postgres(tables) => tables.checkpoints(&readers).await?,
            Self::Sqlite(tables) => tables.checkpoints(&readers).await?,
        };
        texts
            .into_iter()
            .map(|text| Ok(text.map(|text| text.parse()).transpose()?))
            .collect()
    }
}
