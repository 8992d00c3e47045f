use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use asynx_core::bus::{Handler, HandlerFailure, Hooks, SubscriptionId, SubscriptionOptions};
use asynx_core::{Aggregate, AggregateId, Caught, Event, Runtime};
use asynx_observe::HandlerFigures;
use futures::channel::oneshot;
use futures::future::AbortHandle;

use crate::given::{Given, Job};
use crate::lanes::{Behind, Lanes, Pushed};
use crate::registry::Registry;
use crate::worker::Worker;

/// A subscription's events on their way to its handler.
///
/// Workers exist only while there is work: a push that finds a free place spawns one, with the event in hand, and it
/// ends when no lane is ready.
pub(crate) struct Queue<A: Aggregate> {
    pub(crate) id: SubscriptionId,
    pub(crate) handler: Caught<Handler<A>>,
    pub(crate) fallback: Option<Caught<Handler<A>>>,
    pub(crate) timeout: Option<Duration>,
    pub(crate) figures: HandlerFigures,
    hooks: Hooks<A>,
    pub(crate) runtime: Arc<dyn Runtime>,
    registry: Weak<Registry<A>>,
    state: Mutex<State<A>>,
}

struct State<A> {
    phase: Phase,
    lanes: Lanes<A>,
    workers: BTreeMap<u64, AbortHandle>,
    last_worker: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Open,
    /// By `unsubscribe`: what runs is finished.
    Ended,
    /// By `close`, or because the runtime dropped a worker.
    Closed,
}

impl<A: Aggregate> Queue<A> {
    pub(crate) fn new(
        id: SubscriptionId,
        handler: Handler<A>,
        options: SubscriptionOptions<A>,
        registry: &Arc<Registry<A>>,
    ) -> Arc<Self> {
        Arc::new(Self {
            id,
            handler: Caught::new(handler),
            timeout: options.timeout,
            figures: HandlerFigures::new(A::CATEGORY, options.name),
            hooks: registry.hooks.clone(),
            runtime: Arc::clone(&registry.runtime),
            registry: Arc::downgrade(registry),
            state: Mutex::new(State {
                phase: Phase::Open,
                lanes: Lanes::new(&options),
                workers: BTreeMap::new(),
                last_worker: 0,
            }),
            fallback: options.fallback.map(Caught::new),
        })
    }

    /// Takes an event in (B1); whatever becomes of it, `given.done` is dropped in the end.
    pub(crate) fn give(self: &Arc<Self>, given: Given<A>) -> Behind {
        let mut ended = Vec::new();
        let mut state = self.state();
        if state.phase != Phase::Open {
            let phase = state.phase;
            drop(state);
            if phase == Phase::Closed {
                self.missed(&given, &HandlerFailure::Closed);
            }
            return Behind::Events;
        }
        let behind = state.lanes.behind(&given.event.aggregate_id);
        let pushed = state.lanes.push(given, &mut ended);
        let capacity = state.lanes.capacity().unwrap_or(usize::MAX);
        match pushed {
            Pushed::Waits => {}
            Pushed::Starts(job) => self.start(state, job),
            Pushed::Displaces(given) | Pushed::Refused(given) => {
                drop(state);
                self.missed(&given, &HandlerFailure::Overflowed(capacity));
            }
        }
        behind
    }

    pub(crate) fn phase(&self) -> Phase {
        self.state().phase
    }

    /// What a worker does after `job`; without a next one it ends.
    pub(crate) fn finish(&self, worker: u64, job: Job<A>) -> Option<Job<A>> {
        let Job { event, caused } = job;
        let id = event.aggregate_id.clone();
        drop(event);
        let mut ended = Vec::new();
        let mut state = self.state();
        state.lanes.release(&id, &mut ended);
        let next = state.lanes.next();
        if next.is_none() {
            self.leave(state, worker);
        } else {
            drop(state);
        }
        drop(caused);
        next
    }

    /// A worker was dropped before it finished `job`: the bus was closed, or else its runtime ended, and then nothing
    /// that waits will ever run.
    pub(crate) fn cut_off(&self, worker: u64, job: Job<A>) {
        let id = job.event.aggregate_id.clone();
        let mut ended = Vec::new();
        let mut drained = Vec::new();
        let mut state = self.state();
        if state.phase == Phase::Open {
            state.phase = Phase::Closed;
            drained = state.lanes.drain(&mut ended);
            state.lanes.drain_barriers(&mut ended);
        }
        state.lanes.release(&id, &mut ended);
        // Nothing is ready once the phase is not open.
        let none = state.lanes.next();
        self.leave(state, worker);
        drop(none);
        self.failed(&job.event, &HandlerFailure::Closed);
        for given in drained {
            self.missed(&given, &HandlerFailure::Closed);
        }
    }

    fn leave(&self, mut state: MutexGuard<'_, State<A>>, worker: u64) {
        let abort = state.workers.remove(&worker);
        let retired = state.phase != Phase::Open && state.workers.is_empty();
        drop(state);
        drop(abort);
        if retired && let Some(registry) = self.registry.upgrade() {
            registry.retire(self.id);
        }
    }

    /// Ends the subscription: what waits is dropped, what runs is finished. Whether something runs.
    pub(crate) fn end(&self) -> Running {
        let mut ended = Vec::new();
        let mut state = self.state();
        if state.phase == Phase::Open {
            state.phase = Phase::Ended;
        }
        let drained = state.lanes.drain(&mut ended);
        let running = if state.workers.is_empty() {
            Running::No
        } else {
            Running::Yes
        };
        drop(state);
        drop(drained);
        running
    }

    /// Ends the subscription with the bus: what waits is told as dropped, what runs is dropped (B8).
    pub(crate) fn close(&self) {
        let mut ended = Vec::new();
        let mut state = self.state();
        state.phase = Phase::Closed;
        let drained = state.lanes.drain(&mut ended);
        state.lanes.drain_barriers(&mut ended);
        let workers: Vec<AbortHandle> = state.workers.values().cloned().collect();
        drop(state);
        workers.iter().for_each(AbortHandle::abort);
        for given in drained {
            self.missed(&given, &HandlerFailure::Closed);
        }
    }

    /// Holds back what is given of this aggregate from now on, while the hold lives.
    pub(crate) fn hold(self: &Arc<Self>, id: &AggregateId) -> Hold<A> {
        let mut ended = Vec::new();
        let mut state = self.state();
        let (number, passed) = state.lanes.hold(id, &mut ended);
        drop(state);
        Hold {
            queue: Arc::clone(self),
            id: id.clone(),
            number,
            passed: Some(passed),
        }
    }

    fn lift(self: &Arc<Self>, id: &AggregateId, hold: u64) {
        let mut ended = Vec::new();
        let mut state = self.state();
        if let Some(job) = state.lanes.lift(id, hold, &mut ended) {
            self.start(state, job);
        }
    }

    /// Spawns a worker that begins with this job.
    fn start(self: &Arc<Self>, mut state: MutexGuard<'_, State<A>>, job: Job<A>) {
        let number = state.last_worker + 1;
        let (abort, registration) = AbortHandle::new_pair();
        state.last_worker = number;
        state.workers.insert(number, abort);
        drop(state);
        self.runtime
            .spawn(Worker::new(Arc::clone(self), number, job).run(registration));
    }

    /// End when everything that was given before has ended.
    pub(crate) fn barriers(&self) -> Vec<oneshot::Receiver<()>> {
        let mut ended = Vec::new();
        let mut state = self.state();
        let barriers = state.lanes.barriers(&mut ended);
        drop(state);
        barriers
    }

    fn missed(&self, given: &Given<A>, why: &HandlerFailure) {
        self.failed(&given.event, why);
    }

    /// Tells of a failure.
    pub(crate) fn failed(&self, event: &Event<A>, why: &HandlerFailure) {
        self.figures.failed(why);
        self.hooks.handler_failed(event, self.id, why);
    }

    fn state(&self) -> MutexGuard<'_, State<A>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Holds back what is given of an aggregate after it, until it is dropped.
pub(crate) struct Hold<A: Aggregate> {
    queue: Arc<Queue<A>>,
    id: AggregateId,
    number: u64,
    passed: Option<oneshot::Receiver<()>>,
}

impl<A: Aggregate> Hold<A> {
    /// Ends when everything that was given before has ended.
    pub(crate) async fn passed(&mut self) {
        if let Some(passed) = &mut self.passed {
            let _ = passed.await;
        }
    }
}

impl<A: Aggregate> Drop for Hold<A> {
    fn drop(&mut self) {
        self.queue.lift(&self.id, self.number);
    }
}

/// Whether handlers of a queue are running.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Running {
    Yes,
    No,
}
