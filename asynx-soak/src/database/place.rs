use std::sync::Arc;

use anyhow::{Result, bail};
use asynx_core::{Runtime as _, Store};
use asynx_testkit::ThreadRuntime;

use super::{Postgres, Sqlite};
use crate::arguments::Arguments;

/// The stores there are.
pub(crate) const STORES: [&str; 2] = ["postgres", "sqlite"];

/// One database for all processes of a run.
#[derive(Clone)]
pub(crate) enum Database {
    Postgres(Postgres),
    Sqlite(Sqlite),
}

impl Database {
    /// A new, empty one.
    pub(crate) fn new(store: &str) -> Result<Self> {
        let unique = format!("asynx_soak_{}_{:x}", std::process::id(), ThreadRuntime.entropy());
        match store {
            "postgres" => Postgres::told(unique).map(Self::Postgres),
            "sqlite" => Sqlite::new(&unique).map(Self::Sqlite),
            other => bail!("`{other}` is no store: {} are", STORES.join(", ")),
        }
    }

    /// The one that another process told of.
    pub(crate) fn told(arguments: &mut Arguments) -> Result<Self> {
        match arguments.value::<String>("--folder")? {
            Some(folder) => Ok(Self::Sqlite(Sqlite::told(&folder))),
            None => Postgres::told(arguments.required("--schema")?).map(Self::Postgres),
        }
    }

    /// What a process needs to be told.
    pub(crate) fn tell(&self) -> Vec<String> {
        match self {
            Self::Postgres(postgres) => vec!["--schema".to_owned(), postgres.schema().to_owned()],
            Self::Sqlite(sqlite) => vec!["--folder".to_owned(), sqlite.folder().display().to_string()],
        }
    }

    /// A handle of its own, with connections of its own.
    pub(crate) async fn open(&self) -> Result<Arc<dyn Store>> {
        match self {
            Self::Postgres(postgres) => postgres.open().await,
            Self::Sqlite(sqlite) => sqlite.open().await,
        }
    }

    /// Takes everything away.
    pub(crate) async fn remove(&self) -> Result<()> {
        match self {
            Self::Postgres(postgres) => postgres.remove().await,
            Self::Sqlite(sqlite) => sqlite.remove(),
        }
    }
}
