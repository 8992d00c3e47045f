use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use asynx_core::store::{
    AppendError, Checkpoints as _, EventLog as _, InlineProjection, LogEvent, LogFilter, LogPage, LogQuery,
    Transactions as _,
};
use asynx_core::{Position, Store, StoreError};
use asynx_lanes::inline::{Applied, InlineSet, Noted};

use super::Failed;
use super::noted::{CHANGE, REMOVE, note};
use crate::checkpoints::REMOVE_IN;
use crate::statement::Values;
use crate::{SqliteOptions, SqliteStore, SqliteTransaction, row};

/// How many events one transaction handles: others write in between.
const PAGE: usize = 200;
/// How long a projection may take for that.
const PATIENCE: Duration = Duration::from_secs(60);

/// Building and removing inline projections. Neither needs the processes that append to be stopped.
impl SqliteStore {
    /// Builds the inline projections of the options that are not in use yet in their version: gives them all that has
    /// happened, and puts them to use. Those that are in use already are left alone.
    ///
    /// It goes through the log in short transactions, between which others append; the last one handles what came in
    /// meanwhile. From then on processes that do not have the projection, or have another version, are refused to append
    /// to its categories: start those that have it. What was built so far is kept when this fails: call it again.
    ///
    /// # Errors
    /// [`StoreError`]: the projection that failed and why, or what is wrong with the file.
    ///
    /// # Cancel safety
    /// As for errors.
    pub async fn build_inline(path: impl AsRef<Path>, options: SqliteOptions) -> Result<(), StoreError> {
        let store = Self::begun(path.as_ref(), options).await?;
        let database = store.database();
        database.inline.set.check()?;
        let (_, noted) = database.noted().await?;
        for projection in database.inline.set.iter() {
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
    pub async fn remove_inline(path: impl AsRef<Path>, options: SqliteOptions, name: &str) -> Result<bool, StoreError> {
        let store = Self::begun(path.as_ref(), options).await?;
        let mut transaction = store.begin().await?;
        let removed = transaction.run(REMOVE, Values::default().text(name)).await?;
        let version = removed.first().map(|row| row::number(row, 0)).transpose()?;
        let Some(version) = version else {
            drop(transaction);
            store.close().await;
            return Ok(false);
        };
        if let Some(projection) = store.database().inline.set.get(name)
            && version == i64::from(projection.version())
        {
            projection.removed(&mut transaction).await?;
        }
        transaction.run(CHANGE, Values::default()).await?;
        store.commit(transaction).await?;
        store.close().await;
        Ok(true)
    }
}

/// One projection that is built.
struct Building<'a> {
    store: &'a SqliteStore,
    set: InlineSet<SqliteTransaction>,
    projection: &'a Arc<dyn InlineProjection<SqliteTransaction>>,
    new: Noted,
    /// The version that is in use.
    before: Option<u32>,
    reads: Arc<dyn Store>,
    /// Under which it keeps how far it has come.
    reader: String,
    fence: u64,
    position: Option<Position>,
}

impl<'a> Building<'a> {
    async fn new(
        store: &'a SqliteStore,
        projection: &'a Arc<dyn InlineProjection<SqliteTransaction>>,
        new: Noted,
        before: Option<u32>,
    ) -> Result<Self, StoreError> {
        let reads = store.reading().cloned();
        let reader = format!("inline {}@{}", new.name, new.version);
        // Whoever builds the same at the same time moves it no more.
        let checkpoint = store.claim(&reader).await?;
        Ok(Self {
            store,
            set: InlineSet::only(projection.clone()),
            projection,
            reads: reads.ok_or_else(|| StoreError::permanent("this store is only read"))?,
            reader,
            new,
            before,
            fence: checkpoint.fence,
            position: checkpoint.position,
        })
    }

    async fn build(mut self) -> Result<(), StoreError> {
        loop {
            let page = self.page(self.position).await?;
            if page.at_end && page.events.is_empty() {
                return self.finish().await;
            }
            let mut transaction = self.begin(page.next).await?;
            if !page.events.is_empty() {
                transaction = self.apply(transaction, &page.events).await?;
            }
            self.commit(transaction, &page.events).await?;
            self.position = page.next;
        }
    }

    async fn page(&self, after: Option<Position>) -> Result<LogPage, StoreError> {
        let query = LogQuery {
            after,
            filter: LogFilter {
                categories: self.new.categories.clone(),
                ..LogFilter::default()
            },
            max_events: PAGE,
            max_bytes: 16 << 20,
        };
        self.store.read(&query).await
    }

    /// Handles what came in since, while nobody else can write, and puts the projection to use.
    async fn finish(self) -> Result<(), StoreError> {
        let mut transaction = self.begin(self.position).await?;
        let (mut after, mut all) = (self.position, Vec::new());
        loop {
            // All that is there, on another connection: this one has written no events.
            let page = self.page(after).await?;
            if !page.events.is_empty() {
                transaction = self.apply(transaction, &page.events).await?;
            }
            all.extend(page.events);
            after = page.next;
            if page.at_end {
                break;
            }
        }
        if self.before.is_some() {
            self.projection.switched(&mut transaction).await?;
        }
        let fence = i64::try_from(self.fence).unwrap_or(0);
        let gone = Values::default().text(&*self.reader).number(fence);
        transaction.run(REMOVE_IN, gone).await?;
        let mut writing = transaction.into_writing();
        note(&mut writing, &self.new).await?;
        self.commit(SqliteTransaction::of(writing), &all).await
    }

    async fn begin(&self, to: Option<Position>) -> Result<SqliteTransaction, StoreError> {
        let mut transaction = self.store.begin().await?;
        let moved = self
            .store
            .move_in(&mut transaction, &self.reader, self.position, to, self.fence);
        if moved.await? {
            return Ok(transaction);
        }
        let Noted { name, version, .. } = &self.new;
        Err(StoreError::permanent(format!(
            "version {version} of the inline projection {name:?} is being built by another process: let that end"
        )))
    }

    async fn apply(
        &self,
        transaction: SqliteTransaction,
        events: &[LogEvent],
    ) -> Result<SqliteTransaction, StoreError> {
        let mut work = self.store.database().work(&self.reads, events);
        work.timeout = Some(PATIENCE);
        work.replayed = self.before.is_some();
        work.undone = "it is not built";
        match self.set.apply(transaction, &work).await {
            Applied::Yes(transaction) => Ok(transaction),
            Applied::No(transaction, error) => {
                transaction.into_writing().roll_back().await;
                Err(error)
            }
            Applied::Late(error) => Err(error),
        }
    }

    async fn commit(&self, transaction: SqliteTransaction, events: &[LogEvent]) -> Result<(), StoreError> {
        let committed = self.store.database().commit_marked(transaction, &[]).await;
        committed.map_err(|failed| match failed {
            Failed::One(error) | Failed::All(AppendError::NotApplied(error) | AppendError::Unknown(error)) => error,
            Failed::All(other) => StoreError::permanent(other.to_string()),
        })?;
        self.projection.committed(events);
        Ok(())
    }
}
