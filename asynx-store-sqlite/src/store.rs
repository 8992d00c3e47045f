use std::fmt;
use std::path::Path;
use std::sync::Arc;

use async_trait::async_trait;
use asynx_core::store::{
    AppendError, AppendGroup, Checkpoints, Erase, EventLog, GroupOutcome, Head, HeadQuery, Leases, Load, Loaded,
    NewEvent, Parking, SnapshotStore, SoleWriter, StoredEvent,
};
use asynx_core::{Position, Runtime, Store, StoreError, StreamId, Version};
use asynx_lanes::{LaneOptions, Lanes};
use futures::channel::oneshot;

use crate::database::Database;
use crate::inline::reading;
use crate::location::located;
use crate::{SqliteOptions, schema};

/// A store in one SQLite file. Cloning is cheap and shares its connections.
///
/// Several stores, in one or several processes, may have the same file open. When the last clone is dropped the
/// connections close by themselves; [`close`](Self::close) waits for it.
///
/// # Cancel safety
/// A call whose future is dropped has happened wholly or not at all, and hinders nobody.
#[derive(Clone)]
pub struct SqliteStore {
    database: Arc<Database>,
    lanes: Lanes,
    /// Of the appends that go by inline projections.
    inline_lanes: Lanes,
    /// What inline projections read; nothing where this is what they read.
    reading: Option<Arc<dyn Store>>,
    runtime: Arc<dyn Runtime>,
}

impl SqliteStore {
    /// Opens a file, which is made where it is missing, with the default options. Its directory must be there.
    ///
    /// # Errors
    /// [`StoreError`] where the file belongs to something else or to a newer asynx, is no database, cannot be written,
    /// or where there is no runtime; see [`SqliteOptions::with_runtime`].
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn open(path: impl AsRef<Path>) -> Result<Self, StoreError> {
        Self::open_with(path, SqliteOptions::default()).await
    }

    /// Opens a file as [`open`](Self::open) does, with options.
    ///
    /// # Errors
    /// As [`open`](Self::open).
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn open_with(path: impl AsRef<Path>, options: SqliteOptions) -> Result<Self, StoreError> {
        let store = Self::begun(path.as_ref(), options).await?;
        store.database.enrol().await?;
        Ok(store)
    }

    /// A store that is gone when it is dropped, for tests: it keeps every law but that of durability, and has one
    /// connection for reads and writes.
    ///
    /// # Errors
    /// [`StoreError`] where there is no runtime.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn in_memory() -> Result<Self, StoreError> {
        Self::in_memory_with(SqliteOptions::default()).await
    }

    /// A store in memory, with options.
    ///
    /// # Errors
    /// [`StoreError`] where there is no runtime.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn in_memory_with(options: SqliteOptions) -> Result<Self, StoreError> {
        let store = Self::connect("the database in memory".into(), None, options).await?;
        store.database.enrol().await?;
        Ok(store)
    }

    /// The SQL that makes an empty file a store of this version, to be read, or run by who makes files themselves.
    #[must_use]
    pub fn print_schema() -> String {
        schema::printed()
    }

    /// Waits for the calls that are under way and closes the file. Calls that come later fail, those of clones too.
    ///
    /// The last store that closes a file copies its log into it: then it is one file, and can be copied.
    ///
    /// # Cancel safety
    /// Dropped early, some connections are left open until the last clone is dropped.
    pub async fn close(self) {
        self.database.close().await;
    }

    /// Opens a file, whatever inline projections it has.
    pub(crate) async fn begun(path: &Path, options: SqliteOptions) -> Result<Self, StoreError> {
        let file = located(path)?;
        let name = format!("{:?}", file.display());
        Self::connect(name.into(), Some(file), options).await
    }

    async fn connect(
        name: Arc<str>,
        file: Option<std::path::PathBuf>,
        options: SqliteOptions,
    ) -> Result<Self, StoreError> {
        let runtime = match options.runtime.clone() {
            Some(runtime) => runtime,
            None => found_runtime()?,
        };
        let database = Arc::new(Database::open(name, file, &options, Arc::clone(&runtime)).await?);
        // SQLite writes one transaction at a time, so one lane makes the largest batches.
        let lanes = LaneOptions::default()
            .with_lanes(1)
            .with_max_events(options.batch_events)
            .with_max_bytes(options.batch_bytes)
            .with_timeout(database.append_timeout);
        let (appending, inline_options) = (Arc::clone(&database), lanes.clone().without_halves());
        let lanes = Lanes::new(Arc::clone(&runtime), lanes, move |groups| {
            Box::pin(Arc::clone(&appending).append(groups))
        });
        let (appending, reading) = (Arc::clone(&database), reading(&database, &runtime));
        let reads = Arc::clone(&reading);
        let inline_lanes = Lanes::new(Arc::clone(&runtime), inline_options, move |groups| {
            Box::pin(Arc::clone(&appending).append_inline(groups, Arc::clone(&reads)))
        });
        Ok(Self::of(database, lanes, inline_lanes, Some(reading), runtime))
    }

    pub(crate) const fn of(
        database: Arc<Database>,
        lanes: Lanes,
        inline_lanes: Lanes,
        reading: Option<Arc<dyn Store>>,
        runtime: Arc<dyn Runtime>,
    ) -> Self {
        Self {
            database,
            lanes,
            inline_lanes,
            reading,
            runtime,
        }
    }

    pub(crate) const fn lanes(&self) -> &Lanes {
        &self.lanes
    }

    pub(crate) const fn inline_lanes(&self) -> &Lanes {
        &self.inline_lanes
    }

    pub(crate) const fn reading(&self) -> Option<&Arc<dyn Store>> {
        self.reading.as_ref()
    }

    pub(crate) const fn database(&self) -> &Arc<Database> {
        &self.database
    }

    async fn append_now(&self, groups: Vec<AppendGroup>) -> Vec<GroupOutcome> {
        match self.database.inline.roster().is_plain() {
            true => self.lanes.append(groups).await,
            false => self.append_by_route(groups).await,
        }
    }

    async fn append_groups(&self, groups: Vec<AppendGroup>) -> Vec<GroupOutcome> {
        let begun = self.database.leases.append(&groups);
        if begun.is_empty() {
            return self.append_now(groups).await;
        }
        // Under a lease the call goes on when its caller has gone, and the lease lasts as long: no later holder may
        // see it come through.
        let count = groups.len();
        let store = self.clone();
        let (answer, answered) = oneshot::channel();
        self.runtime.spawn(Box::pin(async move {
            let outcomes = store.append_now(groups).await;
            drop(begun);
            let _ = answer.send(outcomes);
        }));
        let lost = || AppendError::Unknown(StoreError::transient("the task that appended was dropped"));
        let outcomes = answered.await;
        outcomes.unwrap_or_else(|_| (0..count).map(|_| GroupOutcome::none(lost())).collect())
    }
}

#[cfg(feature = "tokio")]
fn found_runtime() -> Result<Arc<dyn Runtime>, StoreError> {
    match asynx_runtime::TokioRuntime::current() {
        Ok(runtime) => Ok(Arc::new(runtime)),
        #[cfg(feature = "smol")]
        Err(_) => Ok(Arc::new(asynx_runtime::SmolRuntime::new())),
        #[cfg(not(feature = "smol"))]
        Err(error) => Err(StoreError::permanent(
            "no runtime: open the store within tokio, or give one by `SqliteOptions::with_runtime`",
        )
        .caused_by(error)),
    }
}

#[cfg(all(feature = "smol", not(feature = "tokio")))]
fn found_runtime() -> Result<Arc<dyn Runtime>, StoreError> {
    Ok(Arc::new(asynx_runtime::SmolRuntime::new()))
}

#[cfg(not(any(feature = "smol", feature = "tokio")))]
fn found_runtime() -> Result<Arc<dyn Runtime>, StoreError> {
    Err(StoreError::permanent(
        "no runtime: give one by `SqliteOptions::with_runtime`, or turn on the feature `tokio` or `smol`",
    ))
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("file", &self.database.file)
            .finish_non_exhaustive()
    }
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Store for SqliteStore {
    async fn append(&self, stream: &StreamId, event: NewEvent) -> Result<Option<Position>, AppendError> {
        let group = AppendGroup {
            stream: stream.clone(),
            events: vec![event],
        };
        let outcome = self.append_groups(vec![group]).await.pop();
        let outcome = outcome.unwrap_or_else(|| GroupOutcome::none(AppendError::Conflict));
        match outcome.stopped {
            Some(reason) => Err(reason),
            None => Ok(outcome.applied.into_iter().next().flatten()),
        }
    }

    async fn read_from(&self, stream: &StreamId, from: Version) -> Result<Vec<StoredEvent>, StoreError> {
        self.database.range(stream, from, usize::MAX).await
    }

    async fn read_range(&self, stream: &StreamId, from: Version, count: usize) -> Result<Vec<StoredEvent>, StoreError> {
        self.database.range(stream, from, count).await
    }

    async fn count(&self, stream: &StreamId, from: Version) -> Result<u64, StoreError> {
        self.database.count(stream, from).await
    }

    async fn delete(&self, stream: &StreamId) -> Result<(), StoreError> {
        self.delete_all(stream).await
    }

    async fn append_batch(&self, groups: &[AppendGroup]) -> Vec<GroupOutcome> {
        self.append_groups(groups.to_vec()).await
    }

    async fn heads(&self, queries: &[HeadQuery]) -> Result<Vec<Head>, StoreError> {
        self.database.heads(queries).await
    }

    async fn load(&self, loads: &[Load]) -> Result<Vec<Loaded>, StoreError> {
        self.database.load(loads).await
    }

    fn unique_event_ids(&self) -> bool {
        true
    }

    fn coalesces_appends(&self) -> bool {
        true
    }

    fn snapshots(&self) -> Option<&dyn SnapshotStore> {
        Some(self)
    }

    fn log(&self) -> Option<&dyn EventLog> {
        Some(self)
    }

    fn erase(&self) -> Option<&dyn Erase> {
        Some(self)
    }

    fn sole_writer(&self) -> Option<&dyn SoleWriter> {
        Some(self)
    }

    fn checkpoints(&self) -> Option<&dyn Checkpoints> {
        Some(self)
    }

    fn leases(&self) -> Option<&dyn Leases> {
        Some(self)
    }

    fn parking(&self) -> Option<&dyn Parking> {
        Some(self)
    }
}
