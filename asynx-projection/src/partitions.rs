use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use asynx_core::{Runtime, Store, StoreError, StreamId};

use crate::handle::Inner;
use crate::tenure::Tenure;

/// One part of a projection's events: all of an aggregate belong to one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Partition {
    pub(crate) number: usize,
    pub(crate) of: usize,
}

impl Partition {
    pub(crate) fn has(self, stream: &StreamId) -> bool {
        Self::number(stream, self.of) == self.number
    }

    /// To which of so many partitions a stream belongs.
    pub(crate) fn number(stream: &StreamId, of: usize) -> usize {
        if of == 1 {
            return 0;
        }
        usize::try_from(hash(stream) % of as u64).unwrap_or(0)
    }
}

/// FNV-1a of category, NUL and id. Frozen: checkpoints rest on it.
fn hash(stream: &StreamId) -> u64 {
    let category = stream.category.as_str().bytes();
    let id = stream.aggregate_id.as_str().bytes();
    category.chain([0]).chain(id).fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// How many partitions of a projection this process runs, and how many it should.
///
/// Each process keeps a lease that tells that it is there. It runs no more than its share, the partitions divided by the
/// processes and rounded up; what it has it keeps, so that as few as possible move when one joins or leaves. A process
/// that is paused, or where a partition has failed, is not counted, so that others take what it does not run.
pub(crate) struct Share {
    pub(crate) running: AtomicUsize,
    most: AtomicUsize,
    partitions: usize,
}

impl Share {
    pub(crate) const fn new(partitions: usize) -> Self {
        Self {
            running: AtomicUsize::new(0),
            most: AtomicUsize::new(partitions),
            partitions,
        }
    }

    /// Takes a place for one more partition.
    pub(crate) fn take(&self) -> bool {
        let most = self.most.load(Ordering::Acquire);
        let more = |running| (running < most).then_some(running + 1);
        self.running
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, more)
            .is_ok()
    }

    pub(crate) fn give_back(&self) {
        self.running.fetch_sub(1, Ordering::AcqRel);
    }

    /// Whether one partition has to go; whoever is told so gives its place back.
    pub(crate) fn give_up(&self) -> bool {
        let most = self.most.load(Ordering::Acquire);
        let less = |running| (running > most).then(|| running - 1);
        self.running
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, less)
            .is_ok()
    }

    /// Tells others that this process is there, and looks how many are, until the projection has stopped.
    pub(crate) async fn keep(
        self: Arc<Self>,
        store: Arc<dyn Store>,
        runtime: Arc<dyn Runtime>,
        reader: String,
        holder: String,
        time: Duration,
        projection: Arc<Inner>,
    ) {
        let prefix = format!("member:{reader}:");
        let name = format!("{prefix}{holder}");
        let mut tenure: Option<Tenure> = None;
        let Some(board) = projection.parts.first().map(|part| part.board.clone()) else {
            return;
        };
        while !projection.is_stopped() {
            let kept = async {
                if !projection.takes_part() {
                    if let Some(tenure) = tenure.take() {
                        tenure.give_back().await;
                    }
                } else if !tenure.as_ref().is_some_and(Tenure::is_held) {
                    tenure = Tenure::take(&store, &runtime, &name, &holder, time, &board).await?;
                }
                let leases = store.leases();
                let leases = leases.ok_or_else(|| StoreError::permanent("the store has no leases"))?;
                let members = leases.held(&prefix, runtime.now()).await?.len().max(1);
                self.most.store(self.partitions.div_ceil(members), Ordering::Release);
                Ok::<_, StoreError>(())
            };
            if let Err(error) = kept.await {
                board.say(&error.to_string());
            }
            runtime.sleep(time / 5).await;
        }
        if let Some(tenure) = tenure {
            tenure.give_back().await;
        }
    }
}
