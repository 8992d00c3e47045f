use std::sync::Arc;

use asynx_core::store::{AppendError, AppendGroup, GroupOutcome, LogEvent};
use asynx_core::{Store, StoreError};
use asynx_lanes::inline::{Applied, apart};
use futures::future::BoxFuture;

use crate::database::Database;
use crate::plan::{GroupAppend, Plan};
use crate::statement::Values;
use crate::transactions::STILL_OPEN;
use crate::write::{Uncommitted, Writing};
use crate::{SqliteTransaction, insert, row};

/// By which way groups are appended.
pub(crate) enum Way<'a> {
    /// The store's statements.
    Plain,
    /// With the inline projections, which read this store.
    Inline(&'a Arc<dyn Store>),
}

/// Why groups were not appended together.
pub(crate) enum Failed {
    /// For a reason that is none of theirs.
    All(AppendError),
    /// Because of one of them: nothing of any is stored.
    One(StoreError),
}

/// Opened behind the store's own statements, so that it is seen if a projection ends the transaction.
const MARK: &str = "SAVEPOINT asynx_open";

const COMMIT: &str = "RELEASE asynx_open; COMMIT";

pub(crate) const IS_THERE: &str =
    "SELECT EXISTS (SELECT 1 FROM asynx_events INDEXED BY asynx_events_by_id WHERE event_id = ?1)";

impl Database {
    /// Appends groups in transactions in which the inline projections run.
    pub(crate) async fn append_inline(
        self: Arc<Self>,
        groups: Arc<[AppendGroup]>,
        store: Arc<dyn Store>,
    ) -> Vec<GroupOutcome> {
        let began = self.patience.runtime.now().as_micros();
        // What is begun then has an answer before the lane's time is over.
        let time = i64::try_from(self.append_timeout.as_micros() / 2).unwrap_or(i64::MAX);
        let has_time = || (0..time).contains(&(self.patience.runtime.now().as_micros() - began));
        let try_append = |groups: Arc<[AppendGroup]>| -> BoxFuture<'_, _> {
            let (database, store) = (&self, &store);
            Box::pin(async move {
                match database.try_append(&groups, Way::Inline(store)).await {
                    Ok(outcomes) => Ok(outcomes),
                    Err(Failed::One(error)) => Err(error),
                    Err(Failed::All(error)) => Ok(vec![GroupOutcome::none(error); groups.len()]),
                }
            })
        };
        apart(groups, &try_append, &has_time).await
    }

    /// Stores what is planned, runs the projections, commits.
    pub(crate) async fn commit_inline(
        &self,
        mut writing: Writing,
        plan: &Plan<'_>,
        store: &Arc<dyn Store>,
    ) -> Result<(), Failed> {
        let stored = insert::store(&mut writing, plan).await;
        stored.map_err(blamed)?;
        let events: Vec<LogEvent> = plan.appends.iter().flat_map(GroupAppend::stored).collect();
        self.project(writing, &events, store, "nothing was written").await
    }

    /// Runs the inline projections of events that are stored in a transaction, and commits it.
    pub(super) async fn project(
        &self,
        mut writing: Writing,
        events: &[LogEvent],
        store: &Arc<dyn Store>,
        undone: &'static str,
    ) -> Result<(), Failed> {
        let marked = writing.run(MARK, Values::default()).await;
        marked.map_err(blamed)?;
        let mut work = self.work(store, events);
        work.undone = undone;
        let transaction = match self.inline.set.apply(SqliteTransaction::of(writing), &work).await {
            Applied::Yes(transaction) => transaction,
            Applied::No(transaction, error) => {
                transaction.into_writing().roll_back().await;
                return Err(Failed::One(error));
            }
            // It is rolled back when the projection lets go of it; until then nobody else writes.
            Applied::Late(error) => return Err(Failed::One(error)),
        };
        self.commit_marked(transaction, events).await?;
        self.inline.set.committed(events);
        Ok(())
    }

    /// Commits, if the transaction is still the one that was begun.
    pub(super) async fn commit_marked(
        &self,
        transaction: SqliteTransaction,
        events: &[LogEvent],
    ) -> Result<(), Failed> {
        let mut writing = transaction.into_writing();
        if let Err(error) = writing.run(STILL_OPEN, Values::default()).await {
            // What runs next has the connection for itself.
            drop(writing);
            return Err(self.ended(events, error).await);
        }
        match writing.commit_with(COMMIT, Values::default(), 1).await {
            Ok(()) => {
                self.growth.announce();
                Ok(())
            }
            Err(Uncommitted::No(error)) => Err(Failed::All(AppendError::NotApplied(error))),
            Err(Uncommitted::Unknown(error)) => Err(Failed::All(AppendError::Unknown(error))),
        }
    }

    /// What it means that a projection has ended the transaction.
    async fn ended(&self, events: &[LogEvent], error: StoreError) -> Failed {
        let id = events.first().map(|event| event.event_id);
        let id = id.map_or_else(Values::default, |id| Values::default().blob(id.as_uuid().as_bytes()));
        let found = self.read(IS_THERE, id).await;
        match found.and_then(|rows| row::number(row::only(&[rows])?, 0)) {
            Ok(0) => {
                let said = "an inline projection, or an error of one of its statements, rolled the transaction back, so \
                            nothing was written; it has to leave it open, and to fail instead";
                Failed::One(StoreError::permanent(said).caused_by(error))
            }
            Ok(_) => {
                let said = "an inline projection committed the transaction itself; it has to leave it open";
                Failed::All(AppendError::Unknown(StoreError::permanent(said).caused_by(error)))
            }
            Err(unread) => Failed::All(AppendError::Unknown(unread)),
        }
    }
}

/// A statement of ours that failed: what a refused value does is done by one of the groups.
fn blamed(error: StoreError) -> Failed {
    match error.is_transient() {
        true => Failed::All(AppendError::NotApplied(error)),
        false => Failed::One(error),
    }
}

impl GroupAppend<'_> {
    /// As the log gives them.
    fn stored(&self) -> impl Iterator<Item = LogEvent> {
        let positions = self.position.unsigned_abs()..;
        positions.zip(&self.group.events).map(|(position, event)| LogEvent {
            position: row::position_of(position),
            stream: self.group.stream.clone(),
            version: event.version,
            event_id: event.event_id,
            event_name: event.event_name.clone(),
            occurred_at: event.occurred_at,
            record: Some(event.record.clone()),
        })
    }
}
