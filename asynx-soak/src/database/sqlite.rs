use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use asynx_core::Store;
use asynx_store_sqlite::SqliteStore;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions};
use sqlx::{Connection as _, SqliteConnection, SqlitePool};

/// A file in a folder of its own.
#[derive(Clone)]
pub(crate) struct Sqlite {
    folder: PathBuf,
}

impl Sqlite {
    /// A folder that nobody else uses.
    pub(crate) fn new(unique: &str) -> Result<Self> {
        let folder = std::env::temp_dir().join(unique);
        std::fs::create_dir(&folder).with_context(|| format!("failed to make the folder {}", folder.display()))?;
        Ok(Self { folder })
    }

    /// A folder by its name.
    pub(crate) fn told(folder: &str) -> Self {
        Self { folder: folder.into() }
    }

    pub(crate) fn folder(&self) -> &Path {
        &self.folder
    }

    pub(crate) async fn open(&self) -> Result<Arc<dyn Store>> {
        Ok(Arc::new(self.store().await?))
    }

    pub(crate) async fn store(&self) -> Result<SqliteStore> {
        Ok(SqliteStore::open(self.file()).await?)
    }

    /// Connections beside those of the store.
    pub(crate) async fn pool(&self, size: u32) -> Result<SqlitePool> {
        let options = SqliteConnectOptions::new()
            .filename(self.file())
            .busy_timeout(Duration::from_secs(60));
        let pool = SqlitePoolOptions::new()
            .max_connections(size)
            .connect_with(options)
            .await;
        pool.with_context(|| format!("failed to open {}", self.file().display()))
    }

    /// A connection beside those of the store.
    pub(crate) async fn connect(&self) -> Result<SqliteConnection> {
        let options = SqliteConnectOptions::new().filename(self.file());
        let connection = SqliteConnection::connect_with(&options).await;
        connection.with_context(|| format!("failed to open {}", self.file().display()))
    }

    pub(crate) fn remove(&self) -> Result<()> {
        let removed = std::fs::remove_dir_all(&self.folder);
        removed.with_context(|| format!("failed to remove the folder {}", self.folder.display()))
    }

    fn file(&self) -> PathBuf {
        self.folder.join("events.db")
    }
}
