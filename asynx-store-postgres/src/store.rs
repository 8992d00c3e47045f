use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use asynx_core::store::{
    AppendError, AppendGroup, Checkpoints, Erase, EventLog, GroupOutcome, Head, HeadQuery, Leases, Load, Loaded,
    NewEvent, Parking, SnapshotStore, SoleWriter, StoredEvent,
};
use asynx_core::{Position, Runtime, Store, StoreError, StreamId, Version};
use asynx_lanes::Lanes;
use sqlx::postgres::PgConnectOptions;
use sqlx::{PgConnection, PgPool};

use crate::connections::{Connections, check_server};
use crate::connector::Connector;
use crate::error::store_error;
use crate::fences::{Begun, Fences};
use crate::follow::Follower;
use crate::inline::{Inline, Reading};
use crate::log::RecordSize;
use crate::names::Names;
use crate::statements::Statements;
use crate::{Migrate, PostgresOptions, schema};

/// Events in PostgreSQL. Cheap to clone; clones share their connections.
///
/// It has connections of its own: one for each lane of appends, up to `readers` for reads, up to three for what goes on
/// in the background. The pool that it may be made of only tells how to connect.
#[derive(Clone)]
pub struct PostgresStore {
    pub(crate) shared: Arc<Shared>,
    pub(crate) lanes: Lanes,
    /// Of the appends that go by inline projections.
    pub(crate) inline_lanes: Lanes,
    /// What inline projections read; nothing where this is what they read.
    pub(crate) reading: Option<Arc<dyn Store>>,
}

pub(crate) struct Shared {
    pub(crate) connections: Connections,
    pub(crate) names: Names,
    pub(crate) statements: Statements,
    pub(crate) options: PostgresOptions,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) follower: Follower,
    pub(crate) record_size: RecordSize,
    pub(crate) fences: Fences,
    pub(crate) inline: Inline,
}

impl PostgresStore {
    /// Connects to a database by its URL, with the defaults of [`PostgresOptions`]. The URL may ask for TLS
    /// (`sslmode=verify-full`, with one of the crate's `tls-` features); whatever it leaves out comes from the `PG*`
    /// environment variables.
    ///
    /// # Errors
    /// [`StoreError`]: what is wrong with the URL, the server or the tables, and what to do.
    ///
    /// # Cancel safety
    /// Dropping the future leaves the tables as they were, or brought up to date.
    pub async fn connect(url: &str) -> Result<Self, StoreError> {
        Self::connect_with(url, PostgresOptions::default()).await
    }

    /// Connects to a database by its URL.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    ///
    /// # Cancel safety
    /// As [`connect`](Self::connect).
    pub async fn connect_with(url: &str, options: PostgresOptions) -> Result<Self, StoreError> {
        let connect = url.parse().map_err(store_error)?;
        Self::new(connect, options).await
    }

    /// Opens the store in the database of a pool. The pool's connections are left alone.
    ///
    /// # Errors
    /// As [`connect`](Self::connect).
    ///
    /// # Cancel safety
    /// As [`connect`](Self::connect).
    pub async fn open(pool: &PgPool, options: PostgresOptions) -> Result<Self, StoreError> {
        Self::new((*pool.connect_options()).clone(), options).await
    }

    async fn new(connect: PgConnectOptions, options: PostgresOptions) -> Result<Self, StoreError> {
        let (store, mut connection) = Self::begin(connect, options).await?;
        store.shared.enrol(&mut connection).await?;
        store.shared.connections.lanes.give_back(connection);
        Ok(store)
    }

    /// Opens the store, whatever inline projections the database has.
    pub(crate) async fn begin(
        connect: PgConnectOptions,
        options: PostgresOptions,
    ) -> Result<(Self, PgConnection), StoreError> {
        let names = Names::parse(&options.schema, &options.prefix)?;
        let runtime = runtime(&options)?;
        let connector = Connector::new(connect, &options, runtime.clone());
        let mut connection = connector.connect().await.map_err(store_error)?;
        check_server(&mut connection).await?;
        match options.migrate {
            Migrate::AtOpen => schema::migrate(&mut connection, &names).await?,
            Migrate::ByHand => schema::check_version(&mut connection, &names).await?,
        }
        schema::check_epoch(&mut connection, &names).await?;
        let shared = Arc::new(Shared {
            statements: Statements::new(&names),
            follower: Follower::default(),
            record_size: RecordSize::unknown(),
            fences: Fences::default(),
            inline: Inline::new(options.inline.clone(), options.without_inline.clone()),
            connections: Connections::new(connector, &options),
            names,
            options,
            runtime,
        });
        let appending = shared.clone();
        let lanes = Lanes::new(shared.runtime.clone(), shared.options.lanes.clone(), move |groups| {
            let shared = appending.clone();
            Box::pin(async move { shared.append(&groups).await })
        });
        let (appending, reading) = (shared.clone(), Reading::of(&shared));
        let options = shared.options.inline_lanes.clone().without_halves();
        let reads = reading.clone();
        let inline_lanes = Lanes::new(shared.runtime.clone(), options, move |groups| {
            Box::pin(appending.clone().append_inline(groups, reads.clone()))
        });
        Ok((Self::of(shared, lanes, inline_lanes, Some(reading)), connection))
    }

    pub(crate) const fn of(
        shared: Arc<Shared>,
        lanes: Lanes,
        inline_lanes: Lanes,
        reading: Option<Arc<dyn Store>>,
    ) -> Self {
        Self {
            shared,
            lanes,
            inline_lanes,
            reading,
        }
    }

    /// How the tables differ from what this version of asynx makes: one line each, none if they are the same. Makes
    /// the right ones in the session's temporary schema to compare with, and leaves nothing behind.
    ///
    /// # Errors
    /// [`StoreError`] when the server cannot be asked, or the role may not make temporary tables.
    ///
    /// # Cancel safety
    /// Nothing is changed.
    pub async fn check_schema(&self) -> Result<Vec<String>, StoreError> {
        let mut connection = self.shared.connections.background().await.map_err(store_error)?;
        schema::differences(&mut connection, &self.shared.names).await
    }

    /// Begins a new numbering of transactions, in a database that was restored from a dump: transaction numbers start
    /// again there, so new events would come before old ones. Opening a store refuses such a database.
    ///
    /// Stop every process that uses the tables before: what they append until then would be out of order. Positions that
    /// were given earlier stay valid.
    ///
    /// # Errors
    /// [`StoreError`]: nothing was changed.
    ///
    /// # Cancel safety
    /// Dropping the future may leave the numbering old or new; calling again is safe.
    pub async fn rebase(url: &str, options: &PostgresOptions) -> Result<(), StoreError> {
        let connect: PgConnectOptions = url.parse().map_err(store_error)?;
        let names = Names::parse(&options.schema, &options.prefix)?;
        let connector = Connector::new(connect, options, runtime(options)?);
        let mut connection = connector.connect().await.map_err(store_error)?;
        schema::rebase(&mut connection, &names, options.migrate).await
    }

    async fn append_groups(&self, groups: Vec<AppendGroup>) -> Vec<GroupOutcome> {
        let begun = Begun::new(&self.shared, &groups);
        let outcomes = match self.shared.inline.roster().is_plain() {
            true => self.lanes.append(groups).await,
            false => self.append_by_route(groups).await,
        };
        begun.end();
        outcomes
    }

    /// Closes the connections. Calls that come later fail.
    ///
    /// # Cancel safety
    /// Dropping the future may leave connections open until the store is dropped.
    pub async fn close(&self) {
        self.shared.connections.close().await;
    }
}

impl fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresStore")
            .field("schema", &self.shared.names.schema())
            .field("prefix", &self.shared.names.prefix())
            .finish_non_exhaustive()
    }
}

fn runtime(options: &PostgresOptions) -> Result<Arc<dyn Runtime>, StoreError> {
    if let Some(runtime) = &options.runtime {
        return Ok(runtime.clone());
    }
    #[cfg(feature = "tokio")]
    return match asynx_runtime::TokioRuntime::current() {
        Ok(runtime) => Ok(Arc::new(runtime)),
        Err(none) => Err(StoreError::permanent(none.to_string())),
    };
    #[cfg(all(feature = "smol", not(feature = "tokio")))]
    return Ok(Arc::new(asynx_runtime::SmolRuntime::new()));
    #[cfg(not(any(feature = "smol", feature = "tokio")))]
    return Err(StoreError::permanent(
        "the store has no runtime: turn on the feature tokio or smol of asynx-store-postgres",
    ));
}

#[deny(clippy::missing_trait_methods)]
#[async_trait]
impl Store for PostgresStore {
    async fn append(&self, stream: &StreamId, event: NewEvent) -> Result<Option<Position>, AppendError> {
        let group = AppendGroup {
            stream: stream.clone(),
            events: vec![event],
        };
        let outcome = self.append_groups(vec![group]).await.pop();
        match outcome.map(|outcome| (outcome.applied.first().copied(), outcome.stopped)) {
            Some((Some(position), None)) => Ok(position),
            Some((_, Some(reason))) => Err(reason),
            _ => Err(AppendError::Unknown(StoreError::permanent("the append had no outcome"))),
        }
    }

    async fn read_from(&self, stream: &StreamId, from: Version) -> Result<Vec<StoredEvent>, StoreError> {
        self.shared.read(stream, from, usize::MAX).await
    }

    async fn read_range(&self, stream: &StreamId, from: Version, count: usize) -> Result<Vec<StoredEvent>, StoreError> {
        self.shared.read(stream, from, count).await
    }

    async fn count(&self, stream: &StreamId, from: Version) -> Result<u64, StoreError> {
        self.shared.count(stream, from).await
    }

    async fn delete(&self, stream: &StreamId) -> Result<(), StoreError> {
        self.shared.delete(stream).await
    }

    async fn append_batch(&self, groups: &[AppendGroup]) -> Vec<GroupOutcome> {
        self.append_groups(groups.to_vec()).await
    }

    async fn heads(&self, queries: &[HeadQuery]) -> Result<Vec<Head>, StoreError> {
        self.shared.heads(queries).await
    }

    async fn load(&self, loads: &[Load]) -> Result<Vec<Loaded>, StoreError> {
        self.shared.load(loads).await
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
