use std::sync::Arc;

use anyhow::{Result, bail};
use asynx_core::Store;

use super::Postgres;
use crate::arguments::Arguments;

/// One store for all processes of a run.
#[derive(Clone)]
pub(crate) enum Database {
    Postgres(Postgres),
}

impl Database {
    /// A new, empty one.
    pub(crate) fn new(store: &str) -> Result<Self> {
        match store {
            "postgres" => Ok(Self::Postgres(Postgres::new()?)),
            other => bail!("`{other}` is no store: postgres is"),
        }
    }

    /// The one that another process told of.
    pub(crate) fn told(arguments: &mut Arguments) -> Result<Self> {
        Ok(Self::Postgres(Postgres::told(arguments.required("--schema")?)?))
    }

    /// What a process needs to be told.
    pub(crate) fn tell(&self) -> Vec<String> {
        match self {
            Self::Postgres(postgres) => vec!["--schema".to_owned(), postgres.schema().to_owned()],
        }
    }

    /// A handle of its own, with connections of its own.
    pub(crate) async fn open(&self) -> Result<Arc<dyn Store>> {
        match self {
            Self::Postgres(postgres) => postgres.open().await,
        }
    }

    /// Takes everything away.
    pub(crate) async fn remove(&self) -> Result<()> {
        match self {
            Self::Postgres(postgres) => postgres.remove().await,
        }
    }
}
