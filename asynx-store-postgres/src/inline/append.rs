use std::sync::Arc;

use asynx_core::store::{AppendError, AppendGroup, GroupOutcome, LogEvent};
use asynx_core::{Category, Store, StoreError};
use asynx_lanes::inline::{Applied, apart};
use sqlx::Row as _;

use super::Tx;
use crate::append::Way;
use crate::error::{is_refusal, not_sent, store_error};
use crate::store::Shared;

/// Why groups were not appended together.
pub(crate) enum Failed {
    /// For a reason that is none of theirs.
    All(AppendError),
    /// Because of one of them: nothing of any is stored.
    One(StoreError),
}

impl Shared {
    /// Appends groups in transactions in which the inline projections run.
    pub(crate) async fn append_inline(
        self: Arc<Self>,
        groups: Arc<[AppendGroup]>,
        store: Arc<dyn Store>,
    ) -> Vec<GroupOutcome> {
        let began = self.runtime.now().as_micros();
        // What is begun then has an answer before the lane's time is over.
        let time = i64::try_from(self.options.inline_lanes.timeout.as_micros() / 2).unwrap_or(i64::MAX);
        let has_time = || (0..time).contains(&(self.runtime.now().as_micros() - began));
        let try_append = |groups: Arc<[AppendGroup]>| -> futures::future::BoxFuture<'_, _> {
            let (shared, store) = (&self, &store);
            Box::pin(async move { shared.append_by(&groups, Way::Inline(store)).await })
        };
        apart(groups, &try_append, &has_time).await
    }

    /// The statement, the projections, the commit.
    pub(crate) async fn send_inline(
        &self,
        groups: &[&AppendGroup],
        fences: &[(Category, i64)],
        changes: i64,
        store: &Arc<dyn Store>,
    ) -> Result<Vec<GroupOutcome>, Failed> {
        let begun = self.connections.begin_inline().await;
        let mut transaction = begun.map_err(|error| Failed::All(not_sent(error)))?;
        let sent = self.statement(&mut transaction, groups, fences, changes).await;
        let outcomes = match sent {
            Ok(outcomes) => outcomes,
            // Whatever it is: without a commit nothing is stored.
            Err(error) => {
                let refused = is_refusal(&error);
                let error = self.explained(error).await;
                return Err(match refused && !error.is_transient() {
                    true => Failed::One(error),
                    false => Failed::All(AppendError::NotApplied(error)),
                });
            }
        };
        let events = stored(groups, &outcomes);
        let Some(first) = events.first() else {
            let _ = transaction.rollback().await;
            return Ok(outcomes);
        };
        let [_, tx, _] = first.position.parts();
        let transaction = match self.inline.set.apply(transaction, &self.work(store, &events)).await {
            Applied::Yes(transaction) => transaction,
            Applied::No(transaction, error) => {
                return Err(match transaction.rollback().await {
                    Ok(()) => Failed::One(error),
                    Err(lost) => Failed::All(not_sent(lost)),
                });
            }
            Applied::Late(error) => {
                self.end(tx).await;
                return Err(Failed::One(error));
            }
        };
        self.commit_inline(transaction, tx).await?;
        self.inline.set.committed(&events);
        Ok(outcomes)
    }

    /// Commits, if the transaction is still the one that was begun.
    pub(super) async fn commit_inline(&self, mut transaction: Tx, tx: u64) -> Result<(), Failed> {
        let open = "select coalesce(pg_current_xact_id_if_assigned()::text = $1::text, false),
            pg_xact_status($1::text::xid8)";
        let open = sqlx::query(open)
            .bind(tx.to_string())
            .fetch_one(&mut *transaction)
            .await;
        let (open, status): (bool, Option<String>) = match open.and_then(|row| Ok((row.try_get(0)?, row.try_get(1)?))) {
            Ok(answer) => answer,
            Err(error) if is_refusal(&error) => {
                let said =
                    "an inline projection went on after one of its statements had failed, so nothing was written";
                return Err(Failed::One(StoreError::permanent(said).caused_by(error)));
            }
            Err(error) => return Err(Failed::All(not_sent(error))),
        };
        match status.as_deref() {
            _ if open => {}
            Some("committed") => {
                let said = "an inline projection committed the transaction itself; it has to leave it open";
                return Err(Failed::All(AppendError::Unknown(StoreError::permanent(said))));
            }
            _ => {
                let said = "an inline projection rolled the transaction back, so nothing was written; it has to leave it \
                            open, and to fail instead";
                return Err(Failed::One(StoreError::permanent(said)));
            }
        }
        transaction.commit().await.map_err(|error| match is_refusal(&error) {
            // A constraint that is looked at last.
            true => Failed::One(store_error(error)),
            false => Failed::All(AppendError::Unknown(store_error(error))),
        })
    }

    /// Ends a transaction that somebody does not let go of, by ending its session: what it has locked is free then.
    pub(super) async fn end(&self, tx: u64) {
        let end = "select pg_terminate_backend(pid, 5000) from pg_stat_activity
            where backend_xid::text::bigint = $1 & 4294967295 and pid <> pg_backend_pid()";
        if let Ok(mut connection) = self.connections.background().await {
            // Where it fails, it ends when the projection lets go of it, or by the statement's timeout.
            let ending = sqlx::query(end).bind(i64::try_from(tx).unwrap_or(0));
            let _ = ending.execute(&mut *connection).await;
        }
    }
}

/// The events that were stored, in the order of the log.
fn stored(groups: &[&AppendGroup], outcomes: &[GroupOutcome]) -> Vec<LogEvent> {
    let mut stored: Vec<LogEvent> = groups
        .iter()
        .zip(outcomes)
        .flat_map(|(group, outcome)| {
            group
                .events
                .iter()
                .zip(&outcome.applied)
                .map(move |(event, at)| (group, event, at))
        })
        .filter_map(|(group, event, at)| {
            Some(LogEvent {
                position: (*at)?,
                stream: group.stream.clone(),
                version: event.version,
                event_id: event.event_id,
                event_name: event.event_name.clone(),
                occurred_at: event.occurred_at,
                record: Some(event.record.clone()),
            })
        })
        .collect();
    stored.sort_unstable_by_key(|event| event.position);
    stored
}
