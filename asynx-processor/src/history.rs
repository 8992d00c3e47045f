use std::collections::VecDeque;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

use asynx_core::bus::HandlerOutput;
use asynx_core::store::{Load, Loaded, StoredEvent};
use asynx_core::{Aggregate, AggregateId, Caught, Error, Event, Fold, Stage, StreamId, Version, catch, catch_future};
use futures::stream::{self, BoxStream, StreamExt, TryStreamExt};

use crate::processor::Processor;
use crate::shared::Shared;

impl<A: Aggregate> Processor<A> {
    /// The state of an aggregate as it was at a version of its present life.
    ///
    /// # Errors
    /// [`Error::NotFound`] where none lives, [`Error::VersionNotFound`] where it has no such version.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn get_at(&self, aggregate_id: &str, version: Version) -> Result<Arc<A>, Error> {
        let id = AggregateId::parse(aggregate_id)?;
        let shared = &self.handle.shared;
        let event = shared.event_at(&shared.stream(&id), version).await?;
        Ok(Arc::clone(&event.aggregate))
    }

    /// The events of an aggregate's present life, in order, with the states around each. They are read in pages while
    /// the stream is polled; it ends with the newest event that there was when its page was read. The first item is
    /// [`Error::NotFound`] where no aggregate lives; after an error the stream ends.
    pub fn history(&self, aggregate_id: &str) -> BoxStream<'static, Result<Event<A>, Error>> {
        match AggregateId::parse(aggregate_id) {
            Ok(id) => {
                let shared = Arc::clone(&self.handle.shared);
                let stream = shared.stream(&id);
                Cursor::new(shared, stream, Version::FIRST).into_stream()
            }
            Err(error) => stream::iter([Err(error.into())]).boxed(),
        }
    }

    /// Gives the events in a range of versions to a function, one after the other; `..` for all. For rebuilding what a
    /// handler once built.
    ///
    /// # Errors
    /// [`Error::NotFound`] where no aggregate lives, [`Error::ReplayEnded`] where the function returned an error,
    /// [`Error::Panicked`] where it panicked.
    ///
    /// # Cancel safety
    /// Safe; what the function has done stays done.
    pub async fn replay<F, Fut>(
        &self,
        aggregate_id: &str,
        versions: impl RangeBounds<u64>,
        mut function: F,
    ) -> Result<(), Error>
    where
        F: FnMut(Event<A>) -> Fut,
        Fut: Future + Send,
        Fut::Output: HandlerOutput,
    {
        let first = match versions.start_bound() {
            Bound::Included(first) => *first,
            Bound::Excluded(before) => before.saturating_add(1),
            Bound::Unbounded => 1,
        };
        let last = match versions.end_bound() {
            Bound::Included(last) => *last,
            Bound::Excluded(after) => after.saturating_sub(1),
            Bound::Unbounded => u64::MAX,
        };
        let id = AggregateId::parse(aggregate_id)?;
        let shared = Arc::clone(&self.handle.shared);
        let stream = shared.stream(&id);
        let first = Version::new(first).unwrap_or(Version::FIRST);
        let mut events = Cursor::new(shared, stream.clone(), first).into_stream();
        while let Some(event) = events.try_next().await? {
            let version = event.version;
            if version.get() > last {
                break;
            }
            let panicked = |panic| Error::panicked(&stream, Stage::Replay, panic);
            let running = catch(|| Box::pin(function(event))).map_err(panicked)?;
            let output = catch_future(running).await.map_err(panicked)?;
            output.into_result().map_err(|reason| Error::ReplayEnded {
                stream: stream.clone(),
                version,
                reason: reason.into(),
            })?;
        }
        Ok(())
    }
}

impl<A: Aggregate> Shared<A> {
    /// One event of the present life, with the states around it.
    pub(crate) async fn event_at(self: &Arc<Self>, stream: &StreamId, version: Version) -> Result<Event<A>, Error> {
        let mut events = Cursor::new(Arc::clone(self), stream.clone(), version).into_stream();
        match events.try_next().await? {
            Some(event) if event.version == version => Ok(event),
            _ => Err(Error::VersionNotFound {
                stream: stream.clone(),
                version,
            }),
        }
    }
}

/// Reads the present life of a stream event by event.
struct Cursor<A: Aggregate> {
    shared: Arc<Shared<A>>,
    stream: StreamId,
    /// Events before it are folded and not given.
    first: Version,
    fold: Option<Fold>,
    waiting: VecDeque<StoredEvent>,
    more: bool,
    previous: Option<Caught<Arc<A>>>,
}

impl<A: Aggregate> Cursor<A> {
    fn new(shared: Arc<Shared<A>>, stream: StreamId, first: Version) -> Self {
        Self {
            shared,
            stream,
            first,
            fold: None,
            waiting: VecDeque::new(),
            more: true,
            previous: None,
        }
    }

    fn into_stream(self) -> BoxStream<'static, Result<Event<A>, Error>> {
        let next = |mut cursor: Self| async move {
            let event = cursor.next().await?;
            Ok(event.map(|event| (event, cursor)))
        };
        stream::try_unfold(self, next).boxed()
    }

    async fn next(&mut self) -> Result<Option<Event<A>>, Error> {
        loop {
            while let Some(stored) = self.waiting.pop_front() {
                if let Some(event) = self.step(&stored)? {
                    return Ok(Some(event));
                }
            }
            if !self.more {
                return Ok(None);
            }
            self.read_page().await?;
        }
    }

    fn step(&mut self, stored: &StoredEvent) -> Result<Option<Event<A>>, Error> {
        let Some(fold) = &mut self.fold else {
            return Ok(None);
        };
        let record = fold.decode(stored)?;
        if stored.version == self.first && self.previous.is_none() {
            self.previous = fold.state()?;
        }
        fold.apply(&record)?;
        if stored.version < self.first {
            return Ok(None);
        }
        let Some(state) = fold.state::<A>()? else {
            return Ok(None);
        };
        let previous = self.previous.replace(state.clone()).map(Caught::into_inner);
        Ok(Some(Event::new(
            self.stream.aggregate_id.clone(),
            record,
            stored.position,
            previous,
            state.into_inner(),
        )))
    }

    async fn read_page(&mut self) -> Result<(), Error> {
        let load = Load {
            stream: self.stream.clone(),
            from: self.fold.as_ref().map(|fold| Version::after(fold.head())),
            snapshot: None,
            limit: self.shared.options.page.get(),
        };
        let page = self.shared.calls.load(&[load]).await.pop();
        let page = page.unwrap_or_else(|| Ok(Loaded::default()));
        let page = page.map_err(|source| Error::Store { source })?;
        let floor = self.fold.as_ref().map(Fold::floor);
        let forgotten = floor.is_some_and(|floor| floor != page.floor);
        if forgotten || (self.fold.is_none() && page.events.is_empty()) {
            return Err(Error::NotFound {
                stream: self.stream.clone(),
            });
        }
        self.fold
            .get_or_insert_with(|| Fold::after(&self.stream, &self.shared.upcast, page.floor));
        self.more = page.more && !page.events.is_empty();
        self.waiting = page.events.into();
        Ok(())
    }
}
