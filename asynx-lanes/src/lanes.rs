use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use asynx_core::store::{AppendError, AppendGroup, GroupOutcome};
use asynx_core::{Runtime, StoreError, yield_now};
use futures::future::{BoxFuture, join_all};

use crate::LaneOptions;
use crate::queue::{Queue, Taken};

/// Coalesces the appends of many callers into a few lanes, each with one append in flight.
///
/// What holds for every append that a lane makes:
/// - it takes what waits, in order, within the limits of [`LaneOptions`]; nothing is delayed to make it larger;
/// - a stream appears in it once, and has no append under way in another lane: its next group waits. A log that orders
///   by transaction relies on that;
/// - if it fails as a whole and for good ([`StoreErrorKind::Permanent`](asynx_core::store::StoreErrorKind)), it is
///   tried again by halves, so that a bad event fails alone with what follows on it;
/// - a panic, a timeout or a dropped task is an unknown outcome for those whose groups were in it.
///
/// Cheap to clone; clones share their lanes.
#[derive(Clone)]
pub struct Lanes {
    shared: Arc<Shared>,
}

/// What appends groups of different streams, as [`Store::append_batch`](asynx_core::Store::append_batch) does.
type Append = dyn Fn(Arc<[AppendGroup]>) -> BoxFuture<'static, Vec<GroupOutcome>> + Send + Sync;

pub(crate) struct Shared {
    pub(crate) append: Box<Append>,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) options: LaneOptions,
    queue: Mutex<Queue>,
}

impl Lanes {
    /// Lanes that append by a function, in tasks of a runtime.
    pub fn new(
        runtime: Arc<dyn Runtime>,
        options: LaneOptions,
        append: impl Fn(Arc<[AppendGroup]>) -> BoxFuture<'static, Vec<GroupOutcome>> + Send + Sync + 'static,
    ) -> Self {
        let shared = Shared {
            append: Box::new(append),
            runtime,
            options,
            queue: Mutex::default(),
        };
        Self {
            shared: Arc::new(shared),
        }
    }

    /// Appends groups; one outcome for each, in their order. The groups of one call may be appended apart.
    ///
    /// # Cancel safety
    /// A dropped call appends nothing of what no lane has taken yet; the rest is appended to its end.
    pub async fn append(&self, groups: Vec<AppendGroup>) -> Vec<GroupOutcome> {
        let (outcomes, begun) = {
            let mut queue = self.shared.queue();
            let outcomes: Vec<_> = groups.into_iter().map(|group| queue.push(group)).collect();
            let begun: Vec<_> = std::iter::from_fn(|| queue.begin(&self.shared.options)).collect();
            (outcomes, begun)
        };
        for taken in begun {
            let lane = Lane::new(self.shared.clone(), taken);
            self.shared.runtime.spawn(Box::pin(lane.run()));
        }
        let outcomes = join_all(outcomes).await;
        outcomes
            .into_iter()
            .map(|outcome| outcome.unwrap_or_else(|_| lost()))
            .collect()
    }
}

impl fmt::Debug for Lanes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lanes")
            .field("options", &self.shared.options)
            .finish_non_exhaustive()
    }
}

impl Shared {
    /// Lets the tasks run that are ready, until as many groups wait as were answered: most callers append again at once,
    /// and lanes that did not wait for theirs would each get what the others' callers brought, a third of all with two
    /// lanes. Nothing is waited for that is not ready to run.
    async fn come_back(&self, answered: usize) {
        for _ in 0..TURNS {
            if self.queue().waiting() >= answered.min(self.options.max_events) {
                return;
            }
            yield_now().await;
        }
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// How often those that are ready are let run first: an answer passes through a shard to its caller, whose next command
/// passes through a shard to the lane.
const TURNS: u32 = 8;

/// One lane, from its first append until there is nothing left to do.
struct Lane {
    shared: Arc<Shared>,
    /// What is under way.
    taken: Option<Taken>,
}

impl Lane {
    const fn new(shared: Arc<Shared>, taken: Taken) -> Self {
        Self {
            shared,
            taken: Some(taken),
        }
    }

    async fn run(mut self) {
        while let Some(groups) = self.taken.as_ref().map(|taken| taken.groups.clone()) {
            let outcomes = self.shared.append_all(Arc::clone(&groups)).await;
            // Freed before the answers: whoever gets one may append to the same stream at once.
            self.shared.queue().free(&groups);
            let Some(done) = self.taken.replace(Taken::default()) else {
                return;
            };
            let answered = done.answers.len();
            for (answer, outcome) in done.answers.into_iter().zip(outcomes) {
                // Nobody may be waiting any more.
                let _ = answer.send(outcome);
            }
            self.shared.come_back(answered).await;
            self.taken = self.shared.queue().go_on(&self.shared.options);
        }
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        if let Some(dropped) = self.taken.take() {
            self.shared.queue().end(&dropped.groups);
        }
    }
}

fn lost() -> GroupOutcome {
    let error = StoreError::transient("the task that appended was dropped; has its runtime ended?");
    GroupOutcome::none(AppendError::Unknown(error))
}
