use std::str::FromStr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use asynx_core::store::{EventLog, LogPage, LogQuery};
use asynx_core::{Position, Store};

use super::naive::Naive;
use crate::database::{Database, patiently};

/// A deliberate bug of readers, to prove that it is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sabotage {
    /// Everything that can be seen is given, also where something older is still under way.
    NoWatermark,
    /// One event of a page is left out, now and then.
    Skip,
    /// The page before comes again, now and then.
    Repeat,
    /// Two events of a page change places, now and then.
    Swap,
}

impl Sabotage {
    pub(super) const fn name(self) -> &'static str {
        match self {
            Self::NoWatermark => "no-watermark",
            Self::Skip => "skip",
            Self::Repeat => "repeat",
            Self::Swap => "swap",
        }
    }
}

impl FromStr for Sabotage {
    type Err = anyhow::Error;

    fn from_str(name: &str) -> Result<Self> {
        let all = [Self::NoWatermark, Self::Skip, Self::Repeat, Self::Swap];
        match all.into_iter().find(|sabotage| sabotage.name() == name) {
            Some(sabotage) => Ok(sabotage),
            None => bail!("there is no sabotage `{name}`"),
        }
    }
}

/// The log as readers see it: the store's own, or a broken one.
pub(super) struct Log {
    store: Arc<dyn Store>,
    naive: Option<Naive>,
    sabotage: Option<Sabotage>,
    pages: AtomicU64,
    patience: Duration,
}

/// One page in so many is broken.
const NOW_AND_THEN: u64 = 20;

impl Log {
    pub(super) async fn open(database: &Database, sabotage: Option<Sabotage>) -> Result<Self> {
        let naive = match sabotage {
            Some(Sabotage::NoWatermark) => Some(Naive::open(database).await?),
            _ => None,
        };
        Ok(Self {
            store: database.open().await?,
            naive,
            sabotage,
            pages: AtomicU64::new(0),
            patience: database.patience(),
        })
    }

    pub(super) async fn read(&self, query: &LogQuery) -> Result<LogPage> {
        match &self.naive {
            Some(naive) => naive.read(query).await,
            None => {
                let log = self.log()?;
                patiently(self.patience, || log.read(query)).await
            }
        }
    }

    /// Does to a page what the sabotage says.
    pub(super) fn breaks(&self, page: &mut LogPage, after: Option<Position>) {
        let now = self.pages.fetch_add(1, Ordering::Relaxed) % NOW_AND_THEN == NOW_AND_THEN - 1;
        let events = &mut page.events;
        match self.sabotage.filter(|_| now && events.len() > 1) {
            Some(Sabotage::Skip) => drop(events.remove(0)),
            Some(Sabotage::Repeat) => page.next = after,
            Some(Sabotage::Swap) => events.swap(0, 1),
            Some(Sabotage::NoWatermark) | None => {}
        }
    }

    pub(super) async fn changed(&self, after: Option<Position>) -> Result<()> {
        self.log()?.changed(after).await;
        Ok(())
    }

    fn log(&self) -> Result<&dyn EventLog> {
        self.store.log().context("the store has no log")
    }
}
