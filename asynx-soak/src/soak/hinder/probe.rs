use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, bail};
use asynx_core::Runtime as _;
use asynx_core::store::{AppendError, AppendGroup};
use asynx_core::{Store, StreamId};
use asynx_testkit::{ThreadRuntime, samples};
use futures::future::join_all;
use tokio::time::sleep;

use super::super::find_out::find_out;
use super::done::Outages;
use crate::clock::Stopwatch;
use crate::database::JetStream;

/// So many appends at a time.
const BESIDE: u64 = 8;
const PAUSE: Duration = Duration::from_millis(100);

/// Appends while there is no majority, to a stream of its own on the same servers.
pub(super) struct Probe {
    store: Arc<dyn Store>,
    patience: Duration,
    told: Vec<Told>,
}

struct Told {
    group: AppendGroup,
    unknown: bool,
}

impl Probe {
    pub(super) async fn open(jetstream: &JetStream) -> Result<Self> {
        Ok(Self {
            store: jetstream.open_stream("probe").await?,
            patience: jetstream.patience(),
            told: Vec::new(),
        })
    }

    /// For so long nothing that is appended may be acknowledged.
    pub(super) async fn without_majority(&mut self, lasts: Duration) -> Result<()> {
        let watch = Stopwatch::start();
        while watch.elapsed() < lasts {
            let appends = (0..BESIDE).map(|_| append(&*self.store));
            for told in join_all(appends).await {
                self.told.push(told?);
            }
            sleep(PAUSE).await;
        }
        Ok(())
    }

    /// Finds out what became of them now that there is a majority again.
    pub(super) async fn settle(&mut self, outages: &mut Outages) -> Result<()> {
        for Told { group, unknown } in self.told.drain(..) {
            let stream = group.stream.clone();
            let found = find_out(&*self.store, group, unknown, self.patience).await?;
            if found.len() != 1 {
                bail!("{stream}: an append of which nobody knew was in vain, though nobody else appends there");
            }
            if unknown {
                outages.unknown += 1;
                outages.settled += 1;
            } else {
                outages.not_applied += 1;
            }
        }
        Ok(())
    }
}

async fn append(store: &dyn Store) -> Result<Told> {
    let id = format!("{:016x}", ThreadRuntime.entropy());
    let group = samples::group(&StreamId::parse("probe", &id)?, 1, 1);
    let unknown = match store.append(&group.stream, group.events[0].clone()).await {
        Err(AppendError::Unknown(_)) => true,
        Err(AppendError::NotApplied(error)) if error.is_transient() => false,
        answer => bail!("without a majority an append was answered {answer:?}"),
    };
    Ok(Told { group, unknown })
}
