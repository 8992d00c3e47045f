use std::collections::{BTreeMap, VecDeque};
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use asynx_core::store::HeadQuery;
use asynx_core::{Aggregate, AggregateId, Error, StoreError, Version};
use futures::future::{BoxFuture, Either, FutureExt, select};
use futures::stream::{FuturesUnordered, StreamExt};

use crate::cache::Cache;
use crate::group::{Group, No, Room};
use crate::queue::Queue;
use crate::sabotage::Sabotage;
use crate::settle::{Settled, Unsettled};
use crate::shared::Shared;
use crate::spare::Spare;
use crate::work::Work;

/// The worker of one shard: takes what waits, runs it, appends it together, answers.
pub(crate) struct Shard<A: Aggregate> {
    pub(crate) shared: Arc<Shared<A>>,
    pub(crate) at: usize,
    queue: Queue<Work<A>>,
    open: bool,
    /// Whether an append is under way.
    pub(crate) appending: bool,
    /// What comes first: commands to run again.
    pub(crate) carry: Vec<Work<A>>,
    /// What comes between those and the queue: commands that had no place in their batch.
    behind: Vec<Work<A>>,
    /// Aggregates that wait (for a pause after a failure, or for an unknown outcome), with the commands behind them.
    parked: BTreeMap<AggregateId, Parked<A>>,
    pub(crate) waking: FuturesUnordered<BoxFuture<'static, Wake<A>>>,
    /// Appends whose outcome could not be found out in time. The next command of the aggregate tries again.
    pub(crate) unsettled: BTreeMap<AggregateId, Unsettled<A>>,
    /// Negative answers that may be told once it is known that the command's key was never used.
    pub(crate) lookups: Vec<Lookup<A>>,
    pub(crate) spare: Spare<A>,
}

/// A group before its commands have run.
type Waiting<A> = (Group<A>, Vec<Work<A>>);

struct Parked<A: Aggregate> {
    works: VecDeque<Work<A>>,
    /// How many wakes must come before it goes on.
    waits: usize,
}

/// What ends the waiting of a parked aggregate.
pub(crate) enum Wake<A: Aggregate> {
    Retry(AggregateId),
    Settled(Box<Settled<A>>),
    /// Not parked: an append whose outcome could not be found out is looked at once more.
    Resettle(AggregateId),
}

/// A command with an idempotency key whose answer is no, unless the key was used.
pub(crate) struct Lookup<A: Aggregate> {
    pub(crate) work: Work<A>,
    pub(crate) reason: No,
    /// The floor when the answer was true: where it has moved, the key's event may have been erased wholly.
    pub(crate) floor: Option<Version>,
}

/// What a failed attempt answers when it was the last one.
pub(crate) enum Last {
    Conflict,
    Store(StoreError),
    /// It may have been carried out.
    Unknown(StoreError),
}

impl<A: Aggregate> Shard<A> {
    pub(crate) fn new(shared: Arc<Shared<A>>, at: usize, queue: Queue<Work<A>>) -> Self {
        Self {
            shared,
            at,
            queue,
            open: true,
            appending: false,
            carry: Vec::new(),
            behind: Vec::new(),
            parked: BTreeMap::new(),
            waking: FuturesUnordered::new(),
            unsettled: BTreeMap::new(),
            lookups: Vec::new(),
            spare: Spare::new(),
        }
    }

    /// Works until the queue is closed and everything in it is answered.
    pub(crate) async fn run(mut self) {
        while let Some(batch) = self.next_batch().await {
            let groups = self.gather(batch).await;
            self.commit(groups).await;
            self.answer_lookups().await;
        }
    }

    pub(crate) fn cache(&self) -> &Cache<A> {
        &self.shared.caches[self.at]
    }

    async fn next_batch(&mut self) -> Option<Vec<Work<A>>> {
        loop {
            while let Some(Some(wake)) = self.waking.next().now_or_never() {
                self.wake(wake);
            }
            self.answer_lookups().await;
            let batch = self.take_waiting();
            if !batch.is_empty() {
                return Some(batch);
            }
            if !self.open || self.is_full() {
                if self.parked.is_empty() {
                    // What could not be settled so far is left to other processes.
                    return None;
                }
                let wake = self.waking.next().await?;
                self.wake(wake);
                continue;
            }
            let received = if self.waking.is_empty() {
                self.queue.recv().await
            } else {
                match select(pin!(self.queue.recv()), self.waking.next()).await {
                    Either::Left((received, _)) => received,
                    Either::Right((wake, _)) => {
                        wake.into_iter().for_each(|wake| self.wake(wake));
                        continue;
                    }
                }
            };
            match received {
                Ok(work) => {
                    self.carry.extend(taken(work));
                    others_first().await;
                }
                Err(_) => self.open = false,
            }
        }
    }

    fn take_waiting(&mut self) -> Vec<Work<A>> {
        let max = self.shared.options.max_batch.get();
        let mut batch = std::mem::take(&mut self.carry);
        batch.append(&mut self.behind);
        if batch.len() > max {
            self.behind = batch.split_off(max);
            return batch;
        }
        while batch.len() < max && !self.is_full() {
            match self.queue.try_recv() {
                Ok(work) => batch.extend(taken(work)),
                Err(_) => break,
            }
        }
        batch
    }

    /// Whether as many commands wait here as may wait in the queue: then the queue is left to fill up.
    fn is_full(&self) -> bool {
        let Some(depth) = self.shared.options.queue_depth else {
            return false;
        };
        self.parked.values().map(|parked| parked.works.len()).sum::<usize>() >= depth.get()
    }

    fn wake(&mut self, wake: Wake<A>) {
        match wake {
            Wake::Retry(id) => self.unpark(&id),
            Wake::Settled(settled) => self.settled(*settled),
            Wake::Resettle(id) => {
                if let Some(unsettled) = self.unsettled.remove(&id) {
                    self.settle_again(id, unsettled);
                }
            }
        }
    }

    /// Lets an aggregate wait for one more wake, with these commands last in its queue.
    pub(crate) fn park(&mut self, id: &AggregateId, works: impl IntoIterator<Item = Work<A>>) {
        let parked = self.parked.entry(id.clone()).or_insert_with(|| Parked {
            works: VecDeque::new(),
            waits: 0,
        });
        parked.works.extend(works);
        parked.waits += 1;
    }

    /// One wake has come; with the last one the aggregate's commands go on.
    pub(crate) fn unpark(&mut self, id: &AggregateId) {
        let works = self.unparked(id);
        self.carry.extend(works);
    }

    /// The same, with the commands handed over; none while other wakes are to come.
    pub(crate) fn unparked(&mut self, id: &AggregateId) -> VecDeque<Work<A>> {
        let Some(parked) = self.parked.get_mut(id) else {
            return VecDeque::new();
        };
        parked.waits -= 1;
        if parked.waits > 0 {
            return VecDeque::new();
        }
        self.parked.remove(id).map(|parked| parked.works).unwrap_or_default()
    }

    /// Groups a batch by aggregate, gets the newest states, and runs the commands on them.
    async fn gather(&mut self, batch: Vec<Work<A>>) -> Vec<Group<A>> {
        self.shared.figures.batch_commands.size(batch.len());
        let works = self.by_aggregate(batch);
        let mut waiting = self.with_bases(works).await;
        self.answer_used_keys(&mut waiting).await;
        let mut room = Room {
            shared: &self.shared,
            spare: &mut self.spare,
            now: self.shared.runtime.now(),
        };
        let (mut groups, mut bytes) = (Vec::with_capacity(waiting.len()), 0);
        let mut left = Vec::new();
        for (mut group, mut works) in waiting {
            for work in works.drain(..) {
                let full = bytes > 0 && bytes >= room.shared.options.max_batch_bytes;
                let alone = group.items.last().is_some_and(|item| item.work.alone || work.alone);
                if full || alone || group.is_closed() {
                    left.push(work);
                } else {
                    bytes += group.run(&mut room, work);
                }
            }
            room.spare.keep_works(works);
            groups.push(group);
        }
        // Behind what this batch may have to run again, before everything else.
        self.behind.splice(0..0, left);
        groups
    }

    /// The newest states that are known, from the cache or, together, from the store.
    async fn with_bases(&mut self, works: Vec<(AggregateId, Vec<Work<A>>)>) -> Vec<Waiting<A>> {
        let sole_writer = self.shared.is_sole_writer() || self.shared.is_sabotaged(Sabotage::NoFreshnessCheck);
        let cached: Vec<_> = works.iter().map(|(id, _)| self.cache().get(id)).collect();
        let missing = works.iter().zip(&cached).filter(|(_, cached)| cached.is_none());
        let missing: Vec<AggregateId> = missing.map(|((id, _), _)| id.clone()).collect();
        self.shared.figures.looked_up(cached.len(), missing.len());
        let loaded = match missing.is_empty() {
            true => Vec::new(),
            false => self.shared.load(&missing).await,
        };
        let mut loaded = loaded.into_iter();
        let mut waiting = Vec::with_capacity(works.len());
        for ((id, works), cached) in works.into_iter().zip(cached) {
            let group = match cached {
                Some(base) => Group::new(self.shared.stream(&id), base, sole_writer, &mut self.spare),
                None => match loaded.next() {
                    Some(Ok(base)) => {
                        self.cache().put(&id, base.clone());
                        Group::new(self.shared.stream(&id), base, true, &mut self.spare)
                    }
                    Some(Err(error)) => {
                        self.not_loaded(works, &error);
                        continue;
                    }
                    None => continue,
                },
            };
            waiting.push((group, works));
        }
        waiting
    }

    fn by_aggregate(&mut self, mut batch: Vec<Work<A>>) -> Vec<(AggregateId, Vec<Work<A>>)> {
        let now = self.shared.moment();
        let mut places = std::mem::take(&mut self.spare.places);
        let mut works: Vec<(AggregateId, Vec<Work<A>>)> = Vec::with_capacity(batch.len());
        for mut work in batch.drain(..) {
            work.trail.taken(&self.shared.figures, now);
            let id = &work.aggregate_id;
            if let Some(unsettled) = self.unsettled.remove(id) {
                self.settle_again(id.clone(), unsettled);
            }
            if let Some(parked) = self.parked.get_mut(id) {
                parked.works.push_back(work);
            } else if let Some(&place) = places.get(id) {
                works[place].1.push(work);
            } else {
                places.insert(id.clone(), works.len());
                let (id, mut first) = (id.clone(), self.spare.works());
                first.push(work);
                works.push((id, first));
            }
        }
        places.clear();
        self.spare.places = places;
        if self.carry.capacity() == 0 {
            self.carry = batch;
        }
        works
    }

    /// Where the store does not refuse an id that it has, a key is looked up before its command runs. That suffices:
    /// the look-up saw every event up to the base, and the append wins its version only if nothing came after that.
    async fn answer_used_keys(&mut self, waiting: &mut [Waiting<A>]) {
        if self.shared.calls.store().unique_event_ids() {
            return;
        }
        let keyed = waiting.iter().flat_map(|(_, works)| works).filter(|work| work.keyed);
        let queries: Vec<HeadQuery> = keyed.map(|work| self.query(work)).collect();
        if queries.is_empty() {
            return;
        }
        let mut heads = self.shared.calls.heads(&queries).await.into_iter();
        for (_, works) in waiting {
            let keyed = works.iter().filter(|work| work.keyed).count();
            let heads: Result<Vec<_>, StoreError> = heads.by_ref().take(keyed).collect();
            let mut heads = match heads {
                Ok(heads) => heads.into_iter(),
                Err(source) => {
                    self.not_loaded(std::mem::take(works), &Error::Store { source });
                    continue;
                }
            };
            for work in std::mem::take(works) {
                let head = if work.keyed { heads.next() } else { None };
                match head {
                    Some(head) if head.found.is_some() => self.answer_found(work, head),
                    _ => works.push(work),
                }
            }
        }
    }

    pub(crate) fn query(&self, work: &Work<A>) -> HeadQuery {
        HeadQuery {
            stream: self.shared.stream(&work.aggregate_id),
            event_id: work.keyed.then_some(work.event_id),
        }
    }

    /// The commands of an aggregate that could not be loaded.
    fn not_loaded(&mut self, works: Vec<Work<A>>, error: &Error) {
        match error {
            Error::Store { source } if source.is_transient() => self.retry(works, &Last::Store(source.clone())),
            error => works.into_iter().for_each(|work| work.run.fail(error.clone())),
        }
    }

    /// Runs commands of one aggregate again, after a pause if that happened before.
    pub(crate) fn retry(&mut self, works: Vec<Work<A>>, last: &Last) {
        let mut again = Vec::with_capacity(works.len());
        for mut work in works {
            work.attempts += 1;
            let attempts = work.attempts;
            if attempts < self.shared.options.max_attempts {
                again.push(work);
                continue;
            }
            let stream = self.shared.stream(&work.aggregate_id);
            work.run.fail(match last {
                Last::Conflict => Error::Conflict { stream, attempts },
                Last::Store(source) => Error::Store { source: source.clone() },
                Last::Unknown(source) => Error::Unknown {
                    stream,
                    source: source.clone(),
                },
            });
        }
        let Some(most) = again.iter().map(|work| work.attempts).max() else {
            return;
        };
        if matches!(last, Last::Conflict) && most <= 3 {
            self.carry.extend(again);
            return;
        }
        let id = again[0].aggregate_id.clone();
        let pause = pause(most, self.shared.runtime.entropy());
        let sleep = self.shared.runtime.sleep(pause);
        self.park(&id, again);
        self.waking.push(sleep.map(move |()| Wake::Retry(id)).boxed());
    }
}

impl<A: Aggregate> Drop for Shard<A> {
    fn drop(&mut self) {
        if self.appending || !self.unsettled.is_empty() || !self.parked.is_empty() {
            self.shared.lease.doubt();
        }
    }
}

/// Lets the tasks run that are ready: callers that are about to send share the batch, which costs little more for many
/// commands than for one.
async fn others_first() {
    let mut waited = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut waited, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// A command that the worker takes; `None` when its caller has gone.
fn taken<A: Aggregate>(mut work: Work<A>) -> Option<Work<A>> {
    if work.run.is_cancelled() {
        return None;
    }
    work.run.take();
    Some(work)
}

/// A pause before attempt `n`: doubling from 2 ms to 500 ms, and by half of that at random, so that processes that
/// met once do not meet again.
pub(crate) fn pause(n: u32, entropy: u64) -> Duration {
    let most = 2_000_u64 << n.min(8);
    Duration::from_micros(most / 2 + entropy % (most / 2))
}
