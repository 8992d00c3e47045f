use std::sync::Arc;

use async_trait::async_trait;
use asynx_core::store::{EventLog, LogFilter, LogPage, LogQuery};
use asynx_core::{Position, StoreError};
use futures::future::{BoxFuture, select};

use crate::SqliteStore;
use crate::database::Database;
use crate::row;
use crate::statement::Values;

/// The newest position ever given, also where its event is gone.
pub(crate) const END: &str = "SELECT seq FROM sqlite_sequence WHERE name = 'asynx_events' AND seq > 0";

/// One transaction writes at a time, in whatever process, and takes its positions from where the last one ended: what
/// is committed later has higher positions, so whatever can be read can no longer be preceded by anything (L2).
#[async_trait]
impl EventLog for SqliteStore {
    async fn read(&self, query: &LogQuery) -> Result<LogPage, StoreError> {
        let database = self.database();
        match database.end_beyond(query.after).await? {
            Some(end) => database.page(query, end).await,
            None => Ok(LogPage {
                events: Vec::new(),
                next: query.after,
                at_end: true,
            }),
        }
    }

    async fn end(&self) -> Result<Option<Position>, StoreError> {
        self.database().end().await
    }

    async fn count(&self, after: Option<Position>, filter: &LogFilter, most: u64) -> Result<u64, StoreError> {
        self.database().count_log(after, filter, most).await
    }

    /// Ends at once with an append through this store, and after the poll interval with one of another process.
    fn changed(&self, after: Option<Position>) -> BoxFuture<'static, ()> {
        let database = Arc::clone(self.database());
        Box::pin(async move {
            loop {
                let grown = database.growth.next();
                if let Ok(end) = database.end().await
                    && end > after
                {
                    return;
                }
                let interval = database.patience.runtime.sleep(database.poll_interval);
                select(grown, interval).await;
            }
        })
    }
}

impl Database {
    /// Where the log ends, if that is beyond a position. A position beyond the end is of another log.
    pub(crate) async fn end_beyond(&self, after: Option<Position>) -> Result<Option<u64>, StoreError> {
        let end = self.end().await?;
        if after > end {
            return Err(StoreError::permanent(format!(
                "position {} lies beyond the end of the log: it is of another file, or this one was restored from an older backup",
                after.map(|after| after.to_string()).unwrap_or_default()
            )));
        }
        Ok(end.filter(|_| after < end).map(|end| end.parts()[2]))
    }

    async fn end(&self) -> Result<Option<Position>, StoreError> {
        let rows = self.read(END, Values::default()).await?;
        rows.first().map(|row| row::position(row, 0)).transpose()
    }
}
