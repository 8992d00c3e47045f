use std::error::Error;
use std::fmt::Display;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::Poll;
use std::time::Duration;

use asynx_core::store::{
    AppendError, AppendGroup, Checkpoints, Erase, EventLog, GroupOutcome, Head, HeadQuery, Leases, Load, Loaded,
    NewEvent, Parking, SnapshotStore, SoleWriter, StoredEvent,
};
use asynx_core::{Category, EventId, Position, Runtime, Store, StreamId, Version};
use futures::channel::{mpsc, oneshot};
use futures::{FutureExt, StreamExt};

use super::check::Kept;
use super::law::with_causes;
use super::witness::Witness;
use super::{AnyTransactions, Capabilities, LeaseLoser, SlowTransactions};
use crate::samples;

/// One check of one store: what it works with, and how it tells what it saw. Cheap to clone, to be moved into tasks.
#[derive(Clone)]
pub struct Trial {
    pub(super) parts: Arc<Parts>,
    pub(super) store: Arc<dyn Store>,
    pub(super) transactions: Option<Arc<dyn AnyTransactions>>,
}

pub(super) struct Parts {
    pub(super) witness: Witness,
    /// Another handle to the same data.
    pub(super) other: Option<Arc<dyn Store>>,
    pub(super) other_transactions: Option<Arc<dyn AnyTransactions>>,
    pub(super) runtime: Arc<dyn Runtime>,
    pub(super) capabilities: Capabilities,
    pub(super) slow_transactions: Option<Arc<dyn SlowTransactions>>,
    pub(super) lease_loser: Option<Arc<dyn LeaseLoser>>,
    pub(super) patience: Duration,
    /// Keeps the streams of this check apart from all others.
    pub(super) category: String,
    pub(super) doing: Mutex<String>,
}

impl Deref for Trial {
    type Target = Witness;

    fn deref(&self) -> &Witness {
        &self.parts.witness
    }
}

impl Trial {
    /// The store.
    #[must_use]
    pub fn store(&self) -> &dyn Store {
        &*self.store
    }

    /// The category that is this check's own.
    pub(super) fn category(&self) -> Category {
        Category::parse(&self.parts.category).expect("a check has a short name")
    }

    /// A stream of this check's own category.
    pub(super) fn stream(&self, id: impl AsRef<str>) -> StreamId {
        StreamId::parse(&self.parts.category, id.as_ref()).expect("checks use valid ids")
    }

    pub(super) fn id(&self) -> EventId {
        EventId::generate(&*self.parts.runtime)
    }

    /// Waits for an answer that must not be an error.
    #[track_caller]
    pub(super) fn ok<T, E: Error>(
        &self,
        what: impl Display,
        call: impl Future<Output = Result<T, E>>,
    ) -> impl Future<Output = Kept<T>> {
        self.asks(async move {
            self.doing(&what);
            call.await
                .map_err(|error| self.broken(format!("{what} failed: {}", with_causes(&error))))
        })
    }

    fn doing(&self, what: impl Display) {
        *self.parts.doing.lock().unwrap_or_else(PoisonError::into_inner) = what.to_string();
    }

    /// Lets other tasks run, on a runtime of one thread as well.
    pub(super) async fn step_back(&self) {
        let mut stepped = false;
        std::future::poll_fn(|cx| {
            if std::mem::replace(&mut stepped, true) {
                return Poll::Ready(());
            }
            cx.waker().wake_by_ref();
            Poll::Pending
        })
        .await;
    }

    /// Gives others time: a few milliseconds, a small fraction of the patience.
    pub(super) async fn pause(&self) {
        let short = (self.parts.patience / 2000).clamp(Duration::from_millis(1), Duration::from_millis(10));
        self.parts.runtime.sleep(short).await;
    }

    /// Waits for what may still happen although it should not: a fraction of a second.
    pub(super) async fn grace(&self) {
        let grace = (self.parts.patience / 50).clamp(Duration::from_millis(10), Duration::from_millis(300));
        self.parts.runtime.sleep(grace).await;
    }

    /// Runs tasks beside each other, all let go at the same moment, and gives what they found.
    #[track_caller]
    pub(super) fn race<T, Fut>(&self, tasks: impl IntoIterator<Item = Fut>) -> impl Future<Output = Kept<Vec<T>>>
    where
        T: Send + 'static,
        Fut: Future<Output = T> + Send + 'static,
    {
        self.asks(async move {
            let (ready, mut readies) = mpsc::unbounded();
            let (go, gone) = oneshot::channel::<()>();
            let gone = gone.shared();
            let mut answers = Vec::new();
            for task in tasks {
                let (ready, gone) = (ready.clone(), gone.clone());
                let (answer, answered) = oneshot::channel();
                answers.push(answered);
                self.parts.runtime.spawn(Box::pin(async move {
                    let _ = ready.unbounded_send(());
                    let _ = gone.await;
                    let _ = answer.send(task.await);
                }));
            }
            self.doing("waiting for tasks to start");
            for _ in &answers {
                readies.next().await;
            }
            drop(go);
            self.doing("waiting for tasks to end");
            let mut found = Vec::with_capacity(answers.len());
            for answer in answers {
                let answer = answer.await;
                found.push(answer.map_err(|_| self.broken("a task that called the store panicked"))?);
            }
            Ok(found)
        })
    }
}

/// The store's calls, any error of which breaks the law.
impl Trial {
    #[track_caller]
    pub(super) fn append(&self, stream: &StreamId, event: NewEvent) -> impl Future<Output = Kept<Option<Position>>> {
        self.asks(async move {
            let what = format!("appending version {}", event.version);
            self.ok(what, self.store().append(stream, event)).await
        })
    }

    /// Appends so many events, one after the other, and gives them.
    #[track_caller]
    pub(super) fn fill(&self, stream: &StreamId, from: u64, count: u64) -> impl Future<Output = Kept<Vec<NewEvent>>> {
        self.asks(async move {
            let group = samples::group(stream, from, count);
            for event in &group.events {
                self.append(stream, event.clone()).await?;
            }
            Ok(group.events)
        })
    }

    /// Appends groups; outcomes must be as many.
    #[track_caller]
    pub(super) fn batch(&self, groups: &[AppendGroup]) -> impl Future<Output = Kept<Vec<GroupOutcome>>> {
        self.asks(async move {
            self.doing(format!("appending {} groups", groups.len()));
            let outcomes = self.store().append_batch(groups).await;
            self.equal("the number of outcomes", outcomes.len(), groups.len())?;
            Ok(outcomes)
        })
    }

    #[track_caller]
    pub(super) fn read(&self, stream: &StreamId) -> impl Future<Output = Kept<Vec<StoredEvent>>> {
        self.asks(async move { self.ok("reading", self.store().read_from(stream, Version::FIRST)).await })
    }

    #[track_caller]
    pub(super) fn count(&self, stream: &StreamId) -> impl Future<Output = Kept<u64>> {
        self.asks(async move { self.ok("counting", self.store().count(stream, Version::FIRST)).await })
    }

    #[track_caller]
    pub(super) fn heads(&self, queries: &[HeadQuery]) -> impl Future<Output = Kept<Vec<Head>>> {
        self.asks(async move {
            let heads = self.ok("asking for heads", self.store().heads(queries)).await?;
            self.equal("the number of heads", heads.len(), queries.len())?;
            Ok(heads)
        })
    }

    #[track_caller]
    pub(super) fn head(&self, stream: &StreamId, event_id: Option<EventId>) -> impl Future<Output = Kept<Head>> {
        self.asks(async move {
            let stream = stream.clone();
            Ok(self.heads(&[HeadQuery { stream, event_id }]).await?.remove(0))
        })
    }

    #[track_caller]
    pub(super) fn loads(&self, loads: &[Load]) -> impl Future<Output = Kept<Vec<Loaded>>> {
        self.asks(async move {
            let loaded = self.ok("loading", self.store().load(loads)).await?;
            self.equal("the number of loads", loaded.len(), loads.len())?;
            Ok(loaded)
        })
    }

    #[track_caller]
    pub(super) fn load(&self, stream: &StreamId) -> impl Future<Output = Kept<Loaded>> {
        self.asks(async move {
            let load = Load {
                stream: stream.clone(),
                from: None,
                snapshot: None,
                limit: usize::MAX,
            };
            Ok(self.loads(&[load]).await?.remove(0))
        })
    }

    /// The stream must hold exactly these events.
    #[track_caller]
    pub(super) fn holds(&self, stream: &StreamId, events: &[NewEvent]) -> impl Future<Output = Kept> {
        self.asserts(async move {
            let found = self.read(stream).await?;
            let versions = |events: &[StoredEvent]| events.iter().map(|event| event.version.get()).collect::<Vec<_>>();
            let expected: Vec<u64> = events.iter().map(|event| event.version.get()).collect();
            self.equal("the stored versions", versions(&found), expected)?;
            for (found, event) in found.iter().zip(events) {
                let same = found.record == event.record;
                self.ensure(same, format!("version {} came back with other bytes", event.version))?;
            }
            Ok(())
        })
    }

    /// A refusal must be of this kind.
    #[track_caller]
    pub(super) fn refused<T>(
        &self,
        what: &str,
        answer: Result<T, AppendError>,
        fits: fn(&AppendError) -> bool,
    ) -> Kept {
        let looked_at = || match answer {
            Err(error) if fits(&error) => Ok(()),
            Err(error) => Err(self.broken(format!("{what} was answered by {error:?}"))),
            Ok(_) => Err(self.broken(format!("{what} succeeded"))),
        };
        self.asserted(looked_at())
    }
}

/// The capabilities. `None` where it is not declared, and then it must not be there.
impl Trial {
    #[track_caller]
    pub(super) fn unique_event_ids(&self) -> Kept<bool> {
        let declared = self.parts.capabilities.unique_event_ids;
        let equal = self.equal("`unique_event_ids`", self.store().unique_event_ids(), declared);
        equal.map(|()| declared)
    }

    #[track_caller]
    pub(super) fn snapshots(&self) -> Kept<Option<&dyn SnapshotStore>> {
        self.declared("snapshots", self.store().snapshots(), self.parts.capabilities.snapshots)
    }

    #[track_caller]
    pub(super) fn log(&self) -> Kept<Option<&dyn EventLog>> {
        self.declared("a log", self.store().log(), self.parts.capabilities.log)
    }

    #[track_caller]
    pub(super) fn erase(&self) -> Kept<Option<&dyn Erase>> {
        self.declared("erasing", self.store().erase(), self.parts.capabilities.erase)
    }

    #[track_caller]
    pub(super) fn sole_writer(&self) -> Kept<Option<&dyn SoleWriter>> {
        let declared = self.parts.capabilities.sole_writer;
        self.declared("a sole writer", self.store().sole_writer(), declared)
    }

    #[track_caller]
    pub(super) fn checkpoints(&self) -> Kept<Option<&dyn Checkpoints>> {
        let declared = self.parts.capabilities.checkpoints;
        self.declared("checkpoints", self.store().checkpoints(), declared)
    }

    #[track_caller]
    pub(super) fn leases(&self) -> Kept<Option<&dyn Leases>> {
        self.declared("leases", self.store().leases(), self.parts.capabilities.leases)
    }

    #[track_caller]
    pub(super) fn parking(&self) -> Kept<Option<&dyn Parking>> {
        self.declared("parking", self.store().parking(), self.parts.capabilities.parking)
    }

    #[track_caller]
    pub(super) fn transactions(&self) -> Kept<Option<&dyn AnyTransactions>> {
        let offered = self.transactions.as_deref();
        self.declared("transactions", offered, self.parts.capabilities.transactions)
    }

    /// The same check through another handle to the same data.
    #[track_caller]
    pub(super) fn other(&self) -> Kept<Option<Self>> {
        let other = self.declared(
            "another handle",
            self.parts.other.as_ref(),
            self.parts.capabilities.another,
        )?;
        Ok(other.map(|store| Self {
            parts: Arc::clone(&self.parts),
            store: Arc::clone(store),
            transactions: self.parts.other_transactions.clone(),
        }))
    }

    #[track_caller]
    pub(super) fn slow_transactions(&self) -> Kept<Option<&dyn SlowTransactions>> {
        let offered = self.parts.slow_transactions.as_deref();
        self.declared("slow transactions", offered, self.parts.capabilities.slow_transactions)
    }

    #[track_caller]
    pub(super) fn lease_loser(&self) -> Kept<Option<&dyn LeaseLoser>> {
        let offered = self.parts.lease_loser.as_deref();
        self.declared("losing leases", offered, self.parts.capabilities.lost_leases)
    }

    #[track_caller]
    fn declared<T>(&self, what: &str, offered: Option<T>, declared: bool) -> Kept<Option<T>> {
        let looked_at = || match (&offered, declared) {
            (Some(_), false) => Err(self.broken(format!("the fixture does not declare {what}, but it is there"))),
            (None, true) => Err(self.broken(format!("the fixture declares {what}, but it is not there"))),
            _ => Ok(offered),
        };
        self.asked(looked_at())
    }
}
