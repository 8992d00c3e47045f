use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use asynx_core::{Runtime, StoreError};
use sqlx::ConnectOptions;
use sqlx::SqlSafeStr;
use sqlx::sqlite::{SqliteConnectOptions, SqliteRow};

use crate::SqliteOptions;
use crate::growth::Growth;
use crate::inline::Inline;
use crate::leases::Leases;
use crate::patience::Patience;
use crate::pool::{Kind, Pool};
use crate::schema;
use crate::statement::{Values, run};

/// An open database: one connection that writes, and some that read.
pub(crate) struct Database {
    /// `None` in memory.
    pub(crate) file: Option<PathBuf>,
    pub(crate) writer: Arc<Pool>,
    pub(crate) readers: Arc<Pool>,
    pub(crate) patience: Patience,
    pub(crate) poll_interval: Duration,
    pub(crate) growth: Growth,
    pub(crate) leases: Leases,
    pub(crate) inline: Inline,
    /// How long an append may take, with all that it waits for.
    pub(crate) append_timeout: Duration,
}

/// The pages that a connection keeps in memory, in KiB, negative as SQLite wants it. A larger cache costs more at each
/// commit than it saves: the operating system keeps the pages as well.
const CACHE: &str = "-8192";
/// After how many pages the log is copied into the database: the fewer, the smaller the log; the more, the seldomer a
/// page is copied that many appends change.
const CHECKPOINT_PAGES: &str = "4000";
/// How many rows a connection's thread may be ahead of whom it reads for: enough that they seldom wait for each other,
/// and what large records may cost in memory.
const ROWS_AHEAD: usize = 32;

/// How long a transaction may take once it is begun; then its outcome is unknown.
const TO_APPEND: Duration = Duration::from_secs(30);

impl Database {
    /// Opens a file that may not exist yet; in memory where there is none.
    pub(crate) async fn open(
        name: Arc<str>,
        file: Option<PathBuf>,
        options: &SqliteOptions,
        runtime: Arc<dyn Runtime>,
    ) -> Result<Self, StoreError> {
        let in_memory = file.is_none();
        let patience = Patience {
            runtime,
            timeout: options.busy_timeout,
        };
        let kind = if in_memory { Kind::InMemory } else { Kind::Writer };
        let writer = writing(file.as_ref(), options);
        let writer = Pool::open(Arc::clone(&name), writer, patience.clone(), 1, kind).await?;
        let mut held = writer.take().await?;
        schema::prepare(&mut held, &name, &patience, in_memory).await?;
        drop(held);
        let readers = match &file {
            Some(file) => {
                let reader = reading(file, options);
                Pool::open(
                    Arc::clone(&name),
                    reader,
                    patience.clone(),
                    options.readers,
                    Kind::Readers,
                )
                .await?
            }
            // Another connection would have another database.
            None => Arc::clone(&writer),
        };
        Ok(Self {
            file,
            writer,
            readers,
            patience,
            poll_interval: options.poll_interval,
            growth: Growth::default(),
            leases: Leases::default(),
            inline: Inline::new(options.inline.clone(), options.without_inline.clone()),
            // What waits for others must have its answer first, or nothing would be known of what was not begun.
            append_timeout: 2 * options.busy_timeout + TO_APPEND,
        })
    }

    /// Runs one statement that reads: what it gives is of one moment.
    pub(crate) async fn read(&self, sql: impl SqlSafeStr, values: Values) -> Result<Vec<SqliteRow>, StoreError> {
        let mut held = self.readers.take().await?;
        match run(held.connection()?, sql, values).await {
            Ok(statements) => Ok(statements.into_iter().next().unwrap_or_default()),
            Err(failed) => Err(held.explained(failed.error)),
        }
    }

    pub(crate) async fn close(&self) {
        self.writer.close().await;
        self.readers.close().await;
    }
}

fn writing(file: Option<&PathBuf>, options: &SqliteOptions) -> SqliteConnectOptions {
    let connect = match file {
        Some(file) => quiet().filename(file).create_if_missing(true),
        None => quiet().filename(":memory:").in_memory(true),
    };
    connect
        // We wait ourselves, in the runtime.
        .busy_timeout(Duration::ZERO)
        .synchronous(options.synchronous.of_driver())
        .pragma("wal_autocheckpoint", CHECKPOINT_PAGES)
        // What was erased is overwritten, not only unlinked.
        .pragma("secure_delete", "ON")
}

fn reading(file: &PathBuf, options: &SqliteOptions) -> SqliteConnectOptions {
    quiet()
        .filename(file)
        // Readers find the file locked only while it is recovered after a crash, or closed by its last user.
        .busy_timeout(options.busy_timeout)
        .pragma("query_only", "ON")
}

fn quiet() -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .foreign_keys(false)
        .pragma("cache_size", CACHE)
        .pragma("temp_store", "MEMORY")
        .row_buffer_size(ROWS_AHEAD)
        .thread_name(|number| format!("asynx-sqlite-{number}"))
        .disable_statement_logging()
}
