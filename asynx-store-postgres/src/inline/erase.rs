use std::sync::Arc;

use asynx_core::store::{AppendError, LogEvent};
use asynx_core::{Store, StoreError, StreamId};
use asynx_lanes::inline::{Applied, Route, Work, changed};

use super::{Failed, Tx};
use crate::error::store_error;
use crate::log::event;
use crate::store::Shared;

impl Shared {
    /// Gives the tombstone of what is erased to the inline projections, and commits. Its head is locked.
    pub(crate) async fn commit_erased(
        &self,
        mut transaction: Tx,
        stream: &StreamId,
        store: Option<&Arc<dyn Store>>,
    ) -> Result<(), StoreError> {
        let roster = self.inline.roster();
        let changes: i64 = sqlx::query_scalar(self.statements.inline_changes.get())
            .fetch_one(&mut *transaction)
            .await
            .map_err(store_error)?;
        if changes != roster.changes {
            drop(transaction);
            self.learn().await?;
            return Err(changed());
        }
        let store = match (roster.route(&stream.category), store) {
            (Route::Plain, _) => return transaction.commit().await.map_err(store_error),
            (Route::Refused(error), _) => return Err(error),
            (Route::Inline, Some(store)) => store,
            (Route::Inline, None) => return Err(StoreError::permanent("an inline projection erases nothing")),
        };
        let Some(tombstone) = self.tombstone(&mut transaction, stream).await? else {
            return transaction.commit().await.map_err(store_error);
        };
        let tx: String = sqlx::query_scalar("select pg_current_xact_id()::text")
            .fetch_one(&mut *transaction)
            .await
            .map_err(store_error)?;
        let tx = tx.parse().unwrap_or(0);
        let events = [tombstone];
        let work = Work {
            undone: "nothing was erased",
            ..self.work(store, &events)
        };
        let transaction = match self.inline.set.apply(transaction, &work).await {
            Applied::Yes(transaction) => transaction,
            Applied::No(transaction, error) => {
                let _ = transaction.rollback().await;
                return Err(error);
            }
            Applied::Late(error) => {
                self.end(tx).await;
                return Err(error);
            }
        };
        match self.commit_inline(transaction, tx).await {
            Ok(()) => {
                self.inline.set.committed(&events);
                Ok(())
            }
            Err(Failed::One(error)) => Err(error),
            Err(Failed::All(AppendError::NotApplied(error) | AppendError::Unknown(error))) => Err(error),
            Err(Failed::All(other)) => Err(StoreError::permanent(other.to_string())),
        }
    }

    /// The tombstone that a stream ends with, if it does: a life that began after it is not to be taken for what is
    /// forgotten.
    async fn tombstone(&self, transaction: &mut Tx, stream: &StreamId) -> Result<Option<LogEvent>, StoreError> {
        let row = sqlx::query(self.statements.tombstone.get())
            .bind(stream.category.as_str())
            .bind(stream.aggregate_id.as_str())
            .fetch_optional(&mut **transaction)
            .await
            .map_err(store_error)?;
        Ok(row.as_ref().map(event).transpose()?.flatten())
    }
}
