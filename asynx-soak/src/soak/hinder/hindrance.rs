use std::time::Duration;

use anyhow::Result;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::done::Done;
use super::{jetstream, postgres, sqlite};
use crate::database::Database;

/// Transactions of strangers, or whoever kills servers.
pub(in crate::soak) struct Hinder {
    tasks: JoinSet<Result<Done>>,
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
            Database::JetStream(jetstream) => jetstream::start(jetstream, seed, &mut hinder).await?,
        }
        Ok(hinder)
    }

    /// Begins to hinder.
    pub(super) fn begin<F>(&mut self, hindering: impl FnOnce(Stop) -> F)
    where
        F: Future<Output = Result<Done>> + Send + 'static,
    {
        self.tasks.spawn(hindering(Stop(self.stop.subscribe())));
    }

    /// Ends it; what there was.
    pub(in crate::soak) async fn stop(mut self) -> Result<Done> {
        self.stop.send_replace(true);
        let mut done = Done::default();
        while let Some(ended) = self.tasks.join_next().await {
            done += ended??;
        }
        Ok(done)
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
