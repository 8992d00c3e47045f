use std::collections::{BTreeMap, VecDeque};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use asynx_core::store::HeadQuery;
use asynx_core::{Aggregate, AggregateId, Error, StoreError, Version, yield_now};
use futures::future::{BoxFuture, Either, FutureExt, select};
use futures::stream::{FuturesUnordered, StreamExt};

use crate::cache::Cache;
use crate::commit::{Landed, LookedUp};
use crate::group::{Group, No, Room};
use crate::prepare::Prepared;
use crate::queue::Queue;
use crate::settle::{Settled, Unsettled};
use crate::shared::Shared;
use crate::spare::Spare;
use crate::work::Work;

/// The worker of one shard: takes what waits, runs it, appends it together, answers.
///
/// It waits for the store only where it waits for everything else too. Aggregates that are being loaded, or that have an
/// append under way, are parked, and the commands of others go on. What the store answers at once parks nothing.
pub(crate) struct Shard<A: Aggregate> {
    pub(crate) shared: Arc<Shared<A>>,
    pub(crate) at: usize,
    queue: Queue<Work<A>>,
    open: bool,
    /// How many appends are under way.
    pub(crate) appending: usize,
    /// How many commands are being loaded for, or appended.
    pub(crate) in_flight: usize,
    /// Groups that have been loaded, before their commands have run.
    pub(crate) ready: Vec<Waiting<A>>,
    /// What comes first: commands to run again.
    pub(crate) carry: Vec<Work<A>>,
    /// What comes between those and the queue: commands that had no place in their batch.
    behind: Vec<Work<A>>,
    /// Aggregates that wait (for a load, an append or a look-up, for a pause after a failure, or for an unknown outcome),
    /// with the commands behind them.
    parked: BTreeMap<AggregateId, Parked<A>>,
    pub(crate) waking: FuturesUnordered<BoxFuture<'static, Wake<A>>>,
    /// Appends whose outcome could not be found out in time. The next command of the aggregate tries again.
    pub(crate) unsettled: BTreeMap<AggregateId, Unsettled<A>>,
    /// Negative answers that may be told once it is known that the command's key was never used.
    pub(crate) lookups: Vec<Lookup<A>>,
    pub(crate) spare: Spare<A>,
}

/// A group before its commands have run.
pub(crate) type Waiting<A> = (Group<A>, Vec<Work<A>>);

struct Parked<A: Aggregate> {
    works: VecDeque<Work<A>>,
    /// How many wakes must come before it goes on.
    waits: usize,
}

/// What ends the waiting of a parked aggregate.
pub(crate) enum Wake<A: Aggregate> {
    Retry(AggregateId),
    Prepared(Prepared<A>),
    Landed(Landed<A>),
    LookedUp(LookedUp<A>),
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
            appending: 0,
            in_flight: 0,
            ready: Vec::new(),
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
            let groups = self.gather(batch);
            self.commit(groups);
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
            self.look_up();
            let has_room = self.has_room();
            if has_room {
                let batch = self.take_waiting();
                if !batch.is_empty() || !self.ready.is_empty() {
                    return Some(batch);
                }
            }
            if !has_room || !self.open || self.is_full() {
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
                    // Callers that are about to send share the batch, which costs little more for many than for one.
                    yield_now().await;
                }
                Err(_) => self.open = false,
            }
        }
    }

    /// Whether another batch may be begun beside what is under way. Where the store makes each append on its own, the
    /// batch grows until the append before it has ended.
    fn has_room(&self) -> bool {
        let alone = !self.shared.calls.store().coalesces_appends();
        self.in_flight < self.shared.options.max_batch.get() && !(alone && self.appending > 0)
    }

    fn take_waiting(&mut self) -> Vec<Work<A>> {
        let max = self.shared.options.max_batch.get() - self.in_flight;
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
            Wake::Prepared(prepared) => {
                self.in_flight -= prepared.commands();
                self.prepared(prepared);
            }
            Wake::Landed(landed) => {
                self.in_flight -= landed.commands();
                self.appending -= usize::from(landed.has_appended());
                self.land(landed);
            }
            Wake::LookedUp(looked_up) => {
                self.in_flight -= looked_up.commands();
                self.looked_up(looked_up);
            }
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

    pub(crate) fn is_parked(&self, id: &AggregateId) -> bool {
        self.parked.contains_key(id)
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

    /// Groups a batch by aggregate and runs the commands of those whose newest state is known. The others are loaded.
    fn gather(&mut self, batch: Vec<Work<A>>) -> Vec<Group<A>> {
        if !batch.is_empty() {
            self.shared.figures.batch_commands.size(batch.len());
        }
        let works = self.by_aggregate(batch);
        self.prepare(works);
        let waiting = std::mem::take(&mut self.ready);
        let mut room = Room {
            shared: &self.shared,
            spare: &mut self.spare,
            now: self.shared.runtime.now(),
        };
        let (mut groups, mut bytes) = (Vec::with_capacity(waiting.len()), 0);
        let mut left = Vec::new();
        for (mut group, mut works) in waiting {
            let mut rest = VecDeque::new();
            for work in works.drain(..) {
                let full = bytes > 0 && bytes >= room.shared.options.max_batch_bytes;
                let alone = group.items.last().is_some_and(|item| item.work.alone || work.alone);
                if full || alone || group.is_closed() {
                    rest.push_back(work);
                } else {
                    bytes += group.run(&mut room, work);
                }
            }
            if !rest.is_empty() {
                match self.parked.get_mut(group.id()) {
                    // Before those that came while it was loaded.
                    Some(parked) => {
                        rest.append(&mut parked.works);
                        parked.works = rest;
                    }
                    None => left.extend(rest),
                }
            }
            room.spare.keep_works(works);
            groups.push(group);
        }
        // Behind what this batch may have to run again, before everything else.
        self.behind.splice(0..0, left);
        groups
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

    pub(crate) fn query(&self, work: &Work<A>) -> HeadQuery {
        HeadQuery {
            stream: self.shared.stream(&work.aggregate_id),
            event_id: work.keyed.then_some(work.event_id),
        }
    }

    /// The commands of an aggregate that could not be loaded.
    pub(crate) fn not_loaded(&mut self, works: Vec<Work<A>>, error: &Error) {
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
        if self.appending > 0 || !self.unsettled.is_empty() || !self.parked.is_empty() {
            self.shared.lease.doubt();
        }
    }
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
