use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use asynx_core::{Runtime as _, Store};
use asynx_testkit::ThreadRuntime;

use super::{JetStream, Postgres, Sqlite};
use crate::arguments::Arguments;

/// The stores there are. JetStream is a cluster of three, or one server.
pub(crate) const STORES: [&str; 4] = ["postgres", "sqlite", "jetstream", "jetstream-1"];

/// One database for all processes of a run.
#[derive(Clone)]
pub(crate) enum Database {
    Postgres(Postgres),
    Sqlite(Sqlite),
    JetStream(JetStream),
}

impl Database {
    /// A new, empty one.
    pub(crate) fn new(store: &str) -> Result<Self> {
        let unique = format!("asynx_soak_{}_{:x}", std::process::id(), ThreadRuntime.entropy());
        match store {
            "postgres" => Postgres::told(unique).map(Self::Postgres),
            "sqlite" => Sqlite::new(&unique).map(Self::Sqlite),
            "jetstream" => JetStream::new(&unique, 3).map(Self::JetStream),
            "jetstream-1" => JetStream::new(&unique, 1).map(Self::JetStream),
            other => bail!("`{other}` is no store: {} are", STORES.join(", ")),
        }
    }

    /// The one that another process told of.
    pub(crate) fn told(arguments: &mut Arguments) -> Result<Self> {
        if let Some(urls) = arguments.value("--servers")? {
            return Ok(Self::JetStream(JetStream::told(
                urls,
                arguments.required("--replicas")?,
            )));
        }
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
            Self::JetStream(jetstream) => jetstream.tell(),
        }
    }

    /// A handle of its own, with connections of its own.
    pub(crate) async fn open(&self) -> Result<Arc<dyn Store>> {
        match self {
            Self::Postgres(postgres) => postgres.open().await,
            Self::Sqlite(sqlite) => sqlite.open().await,
            Self::JetStream(jetstream) => jetstream.open().await,
        }
    }

    /// For how long reads may fail for now, though nothing is wrong.
    pub(crate) const fn patience(&self) -> Duration {
        match self {
            Self::Postgres(_) | Self::Sqlite(_) => Duration::ZERO,
            Self::JetStream(jetstream) => jetstream.patience(),
        }
    }

    /// Waits until whatever happened to it is over.
    pub(crate) async fn whole(&self) -> Result<()> {
        match self {
            Self::Postgres(_) | Self::Sqlite(_) => Ok(()),
            Self::JetStream(jetstream) => jetstream.whole().await,
        }
    }

    /// Takes everything away.
    pub(crate) async fn remove(&self) -> Result<()> {
        match self {
            Self::Postgres(postgres) => postgres.remove().await,
            Self::Sqlite(sqlite) => sqlite.remove(),
            // The servers end with the last handle on them, and their folder goes with them.
            Self::JetStream(_) => Ok(()),
        }
    }
}
