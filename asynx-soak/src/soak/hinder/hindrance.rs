use std::time::Duration;

use anyhow::Result;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::{postgres, sqlite};
use crate::database::Database;

/// Transactions of strangers.
pub(in crate::soak) struct Hinder {
    tasks: JoinSet<Result<u64>>,
    stop: watch::Sender<bool>,
}

impl Hinder {
    pub(in crate::soak) async fn start(database: &Database, seed: u64) -> Result<Self> {
        let mut hinder = Self {
            tasks: JoinSet::new(),
            stop: watch::Sender::new(false),
        };
        match database {
            Database::Postgres(postgres) => postgres::start(postgres, seed, &mut hinder).await?,
            Database::Sqlite(sqlite) => sqlite::start(sqlite, seed, &mut hinder).await?,
        }
        Ok(hinder)
    }

    /// Begins to have transactions.
    pub(super) fn begin<F>(&mut self, transactions: impl FnOnce(Stop) -> F)
    where
        F: Future<Output = Result<u64>> + Send + 'static,
    {
        self.tasks.spawn(transactions(Stop(self.stop.subscribe())));
    }

    /// Ends the transactions; how many there were.
    pub(in crate::soak) async fn stop(mut self) -> Result<u64> {
        self.stop.send_replace(true);
        let mut transactions = 0;
        while let Some(ended) = self.tasks.join_next().await {
            transactions += ended??;
        }
        Ok(transactions)
    }
}

/// Tells when it is enough.
pub(super) struct Stop(watch::Receiver<bool>);

impl Stop {
    pub(super) fn is_wanted(&self) -> bool {
        *self.0.borrow()
    }

    /// Waits, but not longer than is wanted.
    pub(super) async fn pause(&mut self, lasts: Duration) {
        tokio::select! {
            () = sleep(lasts) => {}
            // An error would mean that nobody wants anything any more.
            _ = self.0.wait_for(|stop| *stop) => {}
        }
    }
}
