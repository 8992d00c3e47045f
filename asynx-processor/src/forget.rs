use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use asynx_core::bus::BusError;
use asynx_core::store::{AppendGroup, Head, HeadQuery};
use asynx_core::{
    Aggregate, AggregateId, Ancestry, Context, Error, Event, EventId, EventName, Expected, Fold, ForgetFailure,
    Metadata, Record, StoreError, StreamId, Version, decode_record,
};
use asynx_observe::{Span, Trail};
use futures::channel::oneshot;
use futures::future::BoxFuture;

use crate::processor::{Handle, Processor};
use crate::sabotage::Sabotage;
use crate::shard::pause;
use crate::shared::Shared;
use crate::work::{Tombstone, Work};

/// The forgets under way, one after the other per aggregate.
pub(crate) type Forgets = Mutex<HashMap<AggregateId, Arc<futures::lock::Mutex<()>>>>;

/// How often a transient failure of the store is met while erasing.
const ERASE_ATTEMPTS: u32 = 5;

/// How often an old life is read again that has a gap: what came before it may be erased while it is read.
const REREADS: u32 = 3;

impl<A: Aggregate> Processor<A> {
    /// Forgets an aggregate: a tombstone closes its life, forget handlers clean what was built from it, then its
    /// events, snapshots and cached states are erased. A new life may begin at once, with the next version.
    ///
    /// If a forget handler or the erasure fails, the aggregate is gone all the same, and forgetting it again resumes.
    /// Do not forget an aggregate from its own forget handler.
    ///
    /// # Errors
    /// [`Error::NotFound`] where none lives, [`Error::ForgetUnsupported`] where the store cannot erase,
    /// [`Error::ForgetFailed`] where the tombstone is written and something after it failed.
    ///
    /// # Cancel safety
    /// Dropped after its first poll, the forget goes on; only its answer is lost.
    pub async fn forget(&self, aggregate_id: &str) -> Result<(), Error> {
        let id = AggregateId::parse(aggregate_id)?;
        let handle = Arc::clone(&self.handle);
        let shared = &self.handle.shared;
        if shared.calls.store().erase().is_none() {
            return Err(Error::ForgetUnsupported);
        }
        if shared.is_closing() {
            return Err(Error::ShuttingDown);
        }
        let stream = shared.stream(&id);
        let (mut metadata, mut ancestry) = (Metadata::default(), Ancestry::default());
        if let Some(context) = Context::current() {
            context.inherit(&mut metadata);
            ancestry = context.ancestry().clone();
        }
        if let Some(context) = shared.hooks.current_trace_context() {
            metadata.trace(context);
        }
        let (reply, answer) = oneshot::channel();
        let forgetting = async move {
            let _ = reply.send(handle.forget(id, metadata, ancestry).await);
        };
        shared.tasks.spawn(&*shared.runtime, forgetting);
        answer.await.unwrap_or(Err(Error::Ended { stream }))
    }
}

impl<A: Aggregate> Handle<A> {
    async fn forget(&self, id: AggregateId, metadata: Metadata, ancestry: Ancestry) -> Result<(), Error> {
        let turn = Arc::clone(
            self.forgets
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .entry(id.clone())
                .or_default(),
        );
        let result = {
            let _turn = turn.lock().await;
            self.forget_in_turn(&id, metadata, ancestry).await
        };
        let mut forgets = self.forgets.lock().unwrap_or_else(PoisonError::into_inner);
        // One count is the map's, one is ours.
        if Arc::strong_count(&turn) == 2 {
            forgets.remove(&id);
        }
        result
    }

    async fn forget_in_turn(&self, id: &AggregateId, metadata: Metadata, ancestry: Ancestry) -> Result<(), Error> {
        let shared = &self.shared;
        let stream = shared.stream(id);
        let mut head = shared.head(&stream).await?;
        let (mut resumed, mut rereads) = (false, 0);
        while let Some(tombstone) = head.floor.filter(|_| head.erasing) {
            resumed = true;
            match shared.resume(&stream, tombstone, ancestry.clone()).await {
                Ok(()) => break,
                Err(error @ Error::ForgetFailed { .. }) => return Err(error),
                Err(error) => {
                    // Unless another process erased what was being read: this life, or one before it.
                    let newest = shared.head(&stream).await?;
                    let moved = (newest.floor, newest.erasing) != (head.floor, head.erasing);
                    let gap = matches!(error, Error::Gap { .. }) && rereads < REREADS;
                    if !moved && !gap {
                        return Err(error);
                    }
                    rereads += 1;
                    head = newest;
                }
            }
        }
        if head.living().is_none() {
            return match resumed {
                true => Ok(()),
                false => Err(Error::NotFound { stream }),
            };
        }
        if shared.is_sabotaged(Sabotage::ForgetOutsideShard) {
            let (event_id, now) = (EventId::generate(&*shared.runtime), shared.runtime.now());
            let (version, name) = (Version::after(head.version), EventName::tombstone());
            let record = Record::new(
                event_id,
                name,
                version,
                shared.upcast.current(),
                now,
                Arc::default(),
                bytes::Bytes::from_static(b"[]"),
            );
            let events = vec![crate::group::new_event(&record, record.encode())];
            let group = AppendGroup {
                stream: stream.clone(),
                events,
            };
            let outcomes = shared.calls.append(&[group]).await;
            if outcomes.iter().any(|outcome| outcome.stopped.is_some()) {
                let source = StoreError::transient("the tombstone was not written");
                return Err(Error::Unknown { stream, source });
            }
            return shared.resume(&stream, version, ancestry).await;
        }
        let (reply, answer) = oneshot::channel();
        let work = Work {
            aggregate_id: id.clone(),
            event_name: EventName::tombstone(),
            event_id: EventId::generate(&*shared.runtime),
            keyed: false,
            expected: Expected::Any,
            metadata: Arc::new(metadata),
            snapshot: false,
            tracked: false,
            ancestry,
            unread: false,
            attempts: 0,
            alone: false,
            trail: Trail::new(Span::none(), shared.moment()),
            run: Box::new(Tombstone {
                reply: Some(reply),
                stream: stream.clone(),
                taken: false,
            }),
        };
        self.queue(id).send(work).await.map_err(|_| Error::ShuttingDown)?;
        let answer = answer.await.map_err(|_| Error::ShuttingDown)??;
        let tombstone = answer.event.version;
        asynx_core::drop_caught(answer.event);
        let Some(forgetting) = answer.forgetting else {
            return Err(Error::Ended { stream });
        };
        shared.erase(&stream, tombstone, forgetting).await
    }
}

/// Resumes what a process left behind that ended in the middle of a forget.
pub(crate) fn resume_pending<A: Aggregate>(shared: &Arc<Shared<A>>) {
    if shared.calls.store().erase().is_none() {
        return;
    }
    let resuming = Arc::clone(shared);
    shared.tasks.spawn(&*shared.runtime, async move {
        let Some(erase) = resuming.calls.store().erase() else {
            return;
        };
        let pending = resuming.calls.bounded(|| erase.pending(&resuming.category)).await;
        // Side by side, since a handler may take long. What fails stays pending: the next start, or a forget of the
        // same aggregate, tries again.
        let pending = pending.and_then(|pending| pending).unwrap_or_default();
        let resumes = pending.into_iter().map(|erasure| {
            let resuming = &resuming;
            async move {
                let ancestry = Ancestry::default();
                let _ = resuming.resume(&erasure.stream, erasure.tombstone, ancestry).await;
            }
        });
        futures::future::join_all(resumes).await;
    });
}

impl<A: Aggregate> Shared<A> {
    async fn resume(&self, stream: &StreamId, tombstone: Version, ancestry: Ancestry) -> Result<(), Error> {
        let event = self.tombstone(stream, tombstone).await?.with_ancestry(ancestry);
        let bus = Arc::clone(&self.bus);
        let forgetting = Box::pin(async move { bus.forget(event).await });
        self.erase(stream, tombstone, forgetting).await
    }

    async fn head(&self, stream: &StreamId) -> Result<Head, Error> {
        let query = HeadQuery {
            stream: stream.clone(),
            event_id: None,
        };
        let head = self.calls.heads(&[query]).await.pop();
        let head = head.unwrap_or_else(|| Ok(Head::default()));
        head.map_err(|source| Error::Store { source })
    }

    /// Waits for the forget handlers, then erases: snapshots first, payloads last.
    async fn erase(
        &self,
        stream: &StreamId,
        tombstone: Version,
        forgetting: BoxFuture<'static, Result<(), BusError>>,
    ) -> Result<(), Error> {
        let failed = |reason| Error::ForgetFailed {
            stream: stream.clone(),
            tombstone,
            reason: Box::new(reason),
        };
        forgetting
            .await
            .map_err(|error| failed(ForgetFailure::Handler(error)))?;
        let mut tries = 0;
        loop {
            match self.erase_once(stream, tombstone).await {
                Ok(()) => return Ok(()),
                Err(error) if error.is_transient() && tries < ERASE_ATTEMPTS => {
                    tries += 1;
                    self.runtime.sleep(pause(tries, self.runtime.entropy())).await;
                }
                Err(error) => return Err(failed(ForgetFailure::Store(error))),
            }
        }
    }

    async fn erase_once(&self, stream: &StreamId, tombstone: Version) -> Result<(), StoreError> {
        if !self.is_sabotaged(Sabotage::KeepSnapshots) {
            self.snapshots.delete(stream, tombstone).await?;
        }
        let policy = self.options.forget_policy;
        match self.calls.store().erase() {
            Some(erase) => {
                self.calls
                    .bounded(|| erase.erase_through(stream, tombstone, policy))
                    .await?
            }
            None => Ok(()),
        }
    }

    /// The event of a tombstone whose erasure is still to be done, with the last state before it.
    async fn tombstone(&self, stream: &StreamId, tombstone: Version) -> Result<Event<A>, Error> {
        let mut fold = Fold::after(stream, &self.upcast, None);
        let mut from = Version::FIRST;
        loop {
            let page = self.calls.read_range(stream, from, self.options.page.get()).await;
            let page = page.map_err(|source| Error::Store { source })?;
            let Some(last) = page.last() else {
                return Err(Error::VersionNotFound {
                    stream: stream.clone(),
                    version: tombstone,
                });
            };
            from = last.version.next();
            for event in &page {
                if event.version == tombstone {
                    let record = decode_record(stream, self.upcast.current(), event)?;
                    let Some(state) = fold.state::<A>()? else {
                        return Err(Error::NotFound { stream: stream.clone() });
                    };
                    let (id, state) = (stream.aggregate_id.clone(), state.into_inner());
                    let previous = Some(Arc::clone(&state));
                    return Ok(Event::new(id, record, event.position, previous, state));
                }
                // Lives before this one are erased: its first event may come after a gap.
                if !fold.is_alive() {
                    fold.skip_to(event.version);
                }
                let record = fold.decode(event)?;
                fold.apply(&record)?;
            }
        }
    }
}
