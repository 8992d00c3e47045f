use std::sync::Arc;
use std::time::Duration;

use asynx_core::store::{
    AppendError, Checkpoints as _, EventLog as _, InlineProjection, LogEvent, LogFilter, LogQuery, Transactions as _,
};
use asynx_core::{Position, Store, StoreError};
use asynx_lanes::inline::{Applied, InlineSet, Noted, Work};
use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;

use super::noted::names;
use super::{Failed, Tx};
use crate::error::{is_transient, store_error};
use crate::log::{event, parts};
use crate::{PostgresOptions, PostgresStore};

/// How many events one transaction handles.
const PAGE: usize = 500;
/// How long a projection may take for that.
const PATIENCE: Duration = Duration::from_secs(60);
/// How long the last step waits for the appends that are under way, with all others waiting behind it.
const LOCK_TIMEOUT: &str = "set local lock_timeout = 1000";
/// How often it is tried.
const TRIES: u32 = 30;
const PAUSE: Duration = Duration::from_millis(200);

/// Building and removing inline projections. Neither needs the processes that append to be stopped.
impl PostgresStore {
    /// Builds the inline projections of the options that are not in use yet in their version: gives them all that has
    /// happened, and puts them to use. Those that are in use already are left alone.
    ///
    /// Until the last step others append as ever; that step keeps appends waiting while it handles what came in
    /// meanwhile. From then on processes that do not have the projection, or have another version, are refused to append
    /// to its categories: start those that have it. What was built so far is kept when this fails: call it again.
    ///
    /// # Errors
    /// [`StoreError`]: the projection that failed and why, or what is wrong with the database.
    ///
    /// # Cancel safety
    /// As for errors.
    pub async fn build_inline(url: &str, options: &PostgresOptions) -> Result<(), StoreError> {
        Self::build(url.parse().map_err(store_error)?, options).await
    }

    /// As [`build_inline`](Self::build_inline), in the database of a pool.
    ///
    /// # Errors
    /// As [`build_inline`](Self::build_inline).
    ///
    /// # Cancel safety
    /// As [`build_inline`](Self::build_inline).
    pub async fn build_inline_in(pool: &PgPool, options: &PostgresOptions) -> Result<(), StoreError> {
        Self::build((*pool.connect_options()).clone(), options).await
    }

    /// Removes an inline projection by its name: appends go without it from then on. If the options have it, it is told,
    /// so that it can remove what it made; otherwise that stays. False where there is none of this name.
    ///
    /// Processes that still have it are refused to append to its categories.
    ///
    /// # Errors
    /// [`StoreError`]: it is not removed.
    ///
    /// # Cancel safety
    /// Dropping the future may leave it or not; calling again is safe.
    pub async fn remove_inline(url: &str, options: &PostgresOptions, name: &str) -> Result<bool, StoreError> {
        Self::remove(url.parse().map_err(store_error)?, options, name).await
    }

    /// As [`remove_inline`](Self::remove_inline), in the database of a pool.
    ///
    /// # Errors
    /// As [`remove_inline`](Self::remove_inline).
    ///
    /// # Cancel safety
    /// As [`remove_inline`](Self::remove_inline).
    pub async fn remove_inline_in(pool: &PgPool, options: &PostgresOptions, name: &str) -> Result<bool, StoreError> {
        Self::remove((*pool.connect_options()).clone(), options, name).await
    }

    async fn build(connect: PgConnectOptions, options: &PostgresOptions) -> Result<(), StoreError> {
        let (store, mut connection) = Self::begin(connect, options.clone()).await?;
        let shared = &store.shared;
        shared.inline.set.check()?;
        let (_, noted) = shared.noted(&mut connection).await?;
        drop(connection);
        for projection in shared.inline.set.iter() {
            let new = Noted::of(&**projection);
            let before = noted.iter().find(|noted| noted.name == new.name);
            if let Some(before) = before
                && before.version >= new.version
            {
                before.is(&new)?;
                continue;
            }
            let building = Building::new(&store, projection, new, before.map(|before| before.version)).await?;
            building.build().await?;
        }
        store.close().await;
        Ok(())
    }

    async fn remove(connect: PgConnectOptions, options: &PostgresOptions, name: &str) -> Result<bool, StoreError> {
        let (store, connection) = Self::begin(connect, options.clone()).await?;
        drop(connection);
        let shared = &store.shared;
        let mut transaction = shared.connections.begin_inline().await.map_err(store_error)?;
        shared.lock(&mut transaction).await.map_err(store_error)?;
        let version: Option<i64> = sqlx::query_scalar(shared.statements.inline_remove.get())
            .bind(name)
            .fetch_optional(&mut *transaction)
            .await
            .map_err(store_error)?;
        let Some(version) = version else {
            drop(transaction);
            store.close().await;
            return Ok(false);
        };
        if let Some(projection) = shared.inline.set.get(name)
            && version == i64::from(projection.version())
        {
            projection.removed(&mut transaction).await?;
        }
        shared.change(&mut transaction).await.map_err(store_error)?;
        transaction.commit().await.map_err(store_error)?;
        store.close().await;
        Ok(true)
    }
}

/// One projection that is built.
struct Building<'a> {
    store: &'a PostgresStore,
    set: InlineSet<Tx>,
    projection: &'a Arc<dyn InlineProjection<Tx>>,
    new: Noted,
    /// The version that is in use.
    before: Option<u32>,
    reads: Arc<dyn Store>,
    /// Under which it keeps how far it has come.
    reader: String,
    fence: u64,
}

impl<'a> Building<'a> {
    async fn new(
        store: &'a PostgresStore,
        projection: &'a Arc<dyn InlineProjection<Tx>>,
        new: Noted,
        before: Option<u32>,
    ) -> Result<Self, StoreError> {
        let reads = store.reading.clone();
        Ok(Self {
            store,
            set: InlineSet::only(projection.clone()),
            projection,
            reads: reads.ok_or_else(|| StoreError::permanent("this store is only read"))?,
            reader: format!("inline {}@{}", new.name, new.version),
            new,
            before,
            fence: 0,
        })
    }

    async fn build(mut self) -> Result<(), StoreError> {
        // Whoever builds the same at the same time moves it no more.
        let checkpoint = self.store.claim(&self.reader).await?;
        self.fence = checkpoint.fence;
        let mut position = checkpoint.position;
        let mut tries = 0;
        loop {
            position = self.catch_up(position).await?;
            match self.finish(position).await {
                Ok(()) => return Ok(()),
                Err(Unfinished::Busy(_)) if tries < TRIES => tries += 1,
                Err(Unfinished::Busy(error) | Unfinished::Failed(error)) => return Err(error),
            }
            self.store.shared.runtime.sleep(PAUSE).await;
        }
    }

    /// Handles the log up to where it is final.
    async fn catch_up(&self, mut position: Option<Position>) -> Result<Option<Position>, StoreError> {
        loop {
            let query = LogQuery {
                after: position,
                filter: LogFilter {
                    categories: self.new.categories.clone(),
                    ..LogFilter::default()
                },
                max_events: PAGE,
                max_bytes: 16 << 20,
            };
            let page = self.store.read(&query).await?;
            if !page.events.is_empty() {
                let mut transaction = self
                    .store
                    .shared
                    .connections
                    .begin_inline()
                    .await
                    .map_err(store_error)?;
                self.move_to(&mut transaction, position, page.next).await?;
                let (transaction, tx) = self.apply(transaction, &page.events).await?;
                self.commit(transaction, tx).await?;
                self.projection.committed(&page.events);
                position = page.next;
            }
            if page.at_end {
                return Ok(position);
            }
            if page.events.is_empty() && page.next != position {
                let mut transaction = self
                    .store
                    .shared
                    .connections
                    .begin_inline()
                    .await
                    .map_err(store_error)?;
                self.move_to(&mut transaction, position, page.next).await?;
                transaction.commit().await.map_err(store_error)?;
                position = page.next;
            }
        }
    }

    /// Handles what there is beyond, while nobody appends, and puts the projection to use.
    async fn finish(&self, position: Option<Position>) -> Result<(), Unfinished> {
        let shared = &self.store.shared;
        let mut transaction = shared.connections.begin_inline().await?;
        sqlx::query(LOCK_TIMEOUT).execute(&mut *transaction).await?;
        shared.lock(&mut transaction).await?;
        sqlx::query("set local lock_timeout = 0")
            .execute(&mut *transaction)
            .await?;
        self.move_to(&mut transaction, position, position).await?;
        let mut after = position;
        loop {
            let events = self.rest(&mut transaction, after).await?;
            if events.is_empty() {
                break;
            }
            after = events.last().map(|last| last.position);
            (transaction, _) = self.apply(transaction, &events).await?;
        }
        shared.note(&mut transaction, &self.new).await?;
        let removed = self.store.shared.statements.checkpoint_remove.get();
        sqlx::query(removed)
            .bind(&self.reader)
            .bind(i64::try_from(self.fence).unwrap_or(0))
            .execute(&mut *transaction)
            .await?;
        if self.before.is_some() {
            let switched = self.projection.switched(&mut transaction).await;
            switched.map_err(Unfinished::Failed)?;
        }
        let tx = transaction_of(&mut transaction).await?;
        self.commit(transaction, tx).await?;
        Ok(())
    }

    async fn rest(&self, transaction: &mut Tx, after: Option<Position>) -> Result<Vec<LogEvent>, StoreError> {
        let (epoch, tx, seq) = after.and_then(parts).unwrap_or((0, 0, 0));
        let rows = sqlx::query(self.store.shared.statements.inline_rest.get())
            .bind(epoch)
            .bind(tx)
            .bind(seq)
            .bind(names(&self.new.categories))
            .bind(i64::try_from(PAGE).unwrap_or(i64::MAX))
            .fetch_all(&mut **transaction)
            .await
            .map_err(store_error)?;
        rows.iter().filter_map(|row| event(row).transpose()).collect()
    }

    async fn apply(&self, mut transaction: Tx, events: &[LogEvent]) -> Result<(Tx, u64), StoreError> {
        let tx = transaction_of(&mut transaction).await.map_err(store_error)?;
        let work = Work {
            timeout: Some(PATIENCE),
            replayed: self.before.is_some(),
            undone: "it is not built",
            ..self.store.shared.work(&self.reads, events)
        };
        match self.set.apply(transaction, &work).await {
            Applied::Yes(transaction) => Ok((transaction, tx)),
            Applied::No(_, error) => Err(error),
            Applied::Late(error) => {
                self.store.shared.end(tx).await;
                Err(error)
            }
        }
    }

    async fn move_to(
        &self,
        transaction: &mut Tx,
        from: Option<Position>,
        to: Option<Position>,
    ) -> Result<(), StoreError> {
        let moved = self
            .store
            .move_in(transaction, &self.reader, from, to, self.fence)
            .await?;
        if moved {
            return Ok(());
        }
        let Noted { name, version, .. } = &self.new;
        Err(StoreError::permanent(format!(
            "version {version} of the inline projection {name:?} is being built by another process: let that end"
        )))
    }

    async fn commit(&self, transaction: Tx, tx: u64) -> Result<(), StoreError> {
        let committed = self.store.shared.commit_inline(transaction, tx).await;
        committed.map_err(|failed| match failed {
            Failed::One(error) | Failed::All(AppendError::NotApplied(error) | AppendError::Unknown(error)) => error,
            Failed::All(other) => StoreError::permanent(other.to_string()),
        })
    }
}

/// Why the last step was not done.
enum Unfinished {
    /// Something held an append up for too long.
    Busy(StoreError),
    Failed(StoreError),
}

impl From<sqlx::Error> for Unfinished {
    fn from(error: sqlx::Error) -> Self {
        match is_transient(&error) {
            true => Self::Busy(store_error(error)),
            false => Self::Failed(store_error(error)),
        }
    }
}

impl From<StoreError> for Unfinished {
    fn from(error: StoreError) -> Self {
        Self::Failed(error)
    }
}

async fn transaction_of(transaction: &mut Tx) -> Result<u64, sqlx::Error> {
    let tx: String = sqlx::query_scalar("select pg_current_xact_id()::text")
        .fetch_one(&mut **transaction)
        .await?;
    Ok(tx.parse().unwrap_or(0))
}
