use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use asynx_core::store::ParkedEvent;
use asynx_core::{Position, Runtime, Store, StoreError, StreamId};
use asynx_observe::ProjectionFigures;
use futures::future::join_all;
use futures::{Stream, StreamExt};

use crate::lifecycle::{checkpoints, parking};
use crate::limits::Limits;
use crate::partitions::Partition;
use crate::redrive::redrive;
use crate::role::Built;
use crate::runner::{Control, Wish};
use crate::status::Board;
use crate::succession::Succession;
use crate::switch::{remove, switch};
use crate::{EngineError, Lifecycle, State, Status};

/// One projection that an engine runs: to look at it, and to steer it. Cheap to clone.
///
/// What it is told holds for this process; another one that runs the same projection goes on.
#[derive(Clone)]
pub struct ProjectionHandle {
    inner: Arc<Inner>,
    steps: Arc<dyn Steps>,
}

pub(crate) struct Inner {
    pub(crate) name: String,
    pub(crate) built: Built,
    pub(crate) parts: Vec<Part>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) runtime: Arc<dyn Runtime>,
    pub(crate) limits: Limits,
}

pub(crate) struct Part {
    pub(crate) reader: String,
    pub(crate) board: Arc<Board>,
    pub(crate) control: Arc<Control>,
}

impl Part {
    pub(crate) fn new(reader: String, figures: ProjectionFigures) -> Self {
        Self {
            reader,
            board: Arc::new(Board::new(figures)),
            control: Arc::new(Control::new()),
        }
    }
}

impl ProjectionHandle {
    pub(crate) fn new(inner: Arc<Inner>, steps: Arc<dyn Steps>) -> Self {
        Self { inner, steps }
    }

    /// What it is called.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.inner.name
    }

    /// Its version.
    #[must_use]
    pub fn version(&self) -> u32 {
        self.inner.built.version
    }

    /// How it is doing. Of partitions: the state that needs most attention, the position of the one that is furthest
    /// behind, the sums of what they count.
    #[must_use]
    pub fn status(&self) -> Status {
        self.inner.status()
    }

    /// How each partition is doing.
    #[must_use]
    pub fn partitions(&self) -> Vec<Status> {
        self.inner.parts.iter().map(|part| part.board.get()).collect()
    }

    /// How it is doing, now and whenever that changes. What changes faster than it is asked for is left out.
    pub fn watch(&self) -> impl Stream<Item = Status> + Send + use<> {
        let inner = self.inner.clone();
        let boards = inner.parts.iter().map(|part| Box::pin(part.board.clone().watch()));
        futures::stream::select_all(boards.collect::<Vec<_>>()).map(move |_| inner.status())
    }

    /// Pauses it in this process; another one may take it over.
    pub fn pause(&self) {
        self.inner.wish(Wish::Pause);
    }

    /// Lets it go on: after a pause, or after it failed. Where it runs, it begins again at its checkpoint.
    pub fn resume(&self) {
        self.inner.wish(Wish::Run);
    }

    /// Stops it in this process for good, and waits until the batch that it is at has ended.
    ///
    /// # Cancel safety
    /// It is stopped all the same.
    pub async fn stop(&self) {
        self.inner.wish(Wish::Stop);
        self.inner.stopped().await;
    }

    /// Puts this version into the place of the one in use, which stops for good: the new one comes as far as the old one
    /// was, and takes over in one step, with [`switched`](crate::Projection::switched) in it.
    ///
    /// # Errors
    /// [`EngineError::Behind`] where it was not there in time: the version in use is the old one, but it may have
    /// stopped already; call again to go on. Where nobody does, the new one takes over by itself when it is there, and
    /// where nobody runs it the old one goes on; to call `switch` of the old one says so at once.
    /// [`EngineError::Replaced`], [`EngineError::Hook`], [`EngineError::Store`].
    ///
    /// # Cancel safety
    /// As after [`EngineError::Behind`].
    pub async fn switch(&self, timeout: Duration) -> Result<(), EngineError> {
        self.steps.switch(&self.inner, timeout).await
    }

    /// Stops this version here and removes its checkpoints, and what it made by
    /// [`removed`](crate::Projection::removed). Stop it in other processes first.
    ///
    /// # Errors
    /// [`EngineError::StillInUse`], [`EngineError::StillNeeded`], [`EngineError::Hook`], [`EngineError::Store`].
    ///
    /// # Cancel safety
    /// It may be stopped and not removed; call again.
    pub async fn remove(&self) -> Result<(), EngineError> {
        self.steps.remove(&self.inner).await
    }

    /// The events that it has put aside, in the order of the log, those after a position, at most `limit` of each
    /// partition.
    ///
    /// # Errors
    /// [`EngineError::Store`] when the store cannot be read.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn parked(&self, after: Option<Position>, limit: usize) -> Result<Vec<ParkedEvent>, EngineError> {
        let mut parked = Vec::new();
        for part in &self.inner.parts {
            parked.extend(parking(&self.inner.store)?.parked(&part.reader, after, limit).await?);
        }
        parked.sort_by_key(|event| event.position);
        Ok(parked)
    }

    /// Gives it an event once more that it has put aside. What came later in the same aggregate has been handled
    /// meanwhile: a handler that can be given an event late has to see to that.
    ///
    /// The handler's time limit holds. [`Batch::is_replayed`](crate::Batch::is_replayed) tells whether an earlier version
    /// was given the event: it is only that one then which had effects.
    ///
    /// # Errors
    /// [`EngineError::NotParked`], [`EngineError::StillPoison`], [`EngineError::Busy`], [`EngineError::Replaced`],
    /// [`EngineError::Store`]: it stays where it is. After an error of the store it may have been handled all the same.
    ///
    /// # Cancel safety
    /// It may be handled or not; of a transactional projection, wholly or not at all.
    pub async fn redrive(&self, position: Position) -> Result<(), EngineError> {
        self.steps.redrive(&self.inner, position).await
    }

    /// Waits until it has handled everything up to a position, in whichever process it runs: to read what one has
    /// written. The position of an event is in [`EventData::position`](asynx_core::EventData::position).
    ///
    /// Do not wait within a handler's transaction: readers of the log wait for that one.
    ///
    /// # Errors
    /// [`EngineError::Behind`] after the timeout.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn wait_for(&self, position: Position, timeout: Duration) -> Result<(), EngineError> {
        self.wait_for_parts(self.inner.parts.iter(), position, timeout).await
    }

    /// Waits for the partition of a stream.
    pub(crate) async fn wait_for_stream(
        &self,
        stream: &StreamId,
        position: Position,
        timeout: Duration,
    ) -> Result<(), EngineError> {
        let of = self.inner.parts.len();
        let parts = self.inner.parts.iter().enumerate();
        let own = parts.filter(|(number, _)| Partition { number: *number, of }.has(stream));
        self.wait_for_parts(own.map(|(_, part)| part), position, timeout).await
    }

    async fn wait_for_parts(
        &self,
        parts: impl Iterator<Item = &Part> + Send,
        position: Position,
        timeout: Duration,
    ) -> Result<(), EngineError> {
        let waits: Vec<_> = parts.map(|part| self.inner.wait(part, position)).collect();
        let waiting = Box::pin(join_all(waits));
        match futures::future::select(waiting, self.inner.runtime.sleep(timeout)).await {
            futures::future::Either::Left(_) => Ok(()),
            futures::future::Either::Right(_) => Err(EngineError::Behind {
                name: self.inner.name.clone(),
                position,
                timeout,
            }),
        }
    }
}

impl fmt::Debug for ProjectionHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ProjectionHandle")
            .field("name", &self.inner.name)
            .field("version", &self.inner.built.version)
            .field("status", &self.status())
            .finish_non_exhaustive()
    }
}

impl Inner {
    pub(crate) fn wish(&self, wish: Wish) {
        self.parts.iter().for_each(|part| part.control.wish(wish));
    }

    pub(crate) fn succession(&self) -> Succession {
        Succession {
            store: self.store.clone(),
            projection: self.name.clone(),
            new: self.built,
            limits: self.limits.clone(),
        }
    }

    pub(crate) fn is_stopped(&self) -> bool {
        self.parts.iter().all(|part| part.board.get().state == State::Stopped)
    }

    /// Whether it runs here, or would if it could.
    pub(crate) fn takes_part(&self) -> bool {
        let mut parts = self.parts.iter();
        parts.all(|part| part.control.runs() && part.board.get().state != State::Failed)
    }

    /// Up to where it has handled everything, in whichever process.
    pub(crate) async fn position(&self) -> Result<Option<Position>, StoreError> {
        let mut least = None;
        for (number, part) in self.parts.iter().enumerate() {
            let kept = checkpoints(&self.store)?.get(&part.reader).await?;
            let position = part.board.get().position.max(kept.and_then(|kept| kept.position));
            least = if number == 0 { position } else { position.min(least) };
        }
        Ok(least)
    }

    pub(crate) async fn stopped(&self) {
        for part in &self.parts {
            let watch = part.board.clone().watch();
            let mut stopped = Box::pin(watch.filter(|status| std::future::ready(status.state == State::Stopped)));
            stopped.next().await;
        }
    }

    pub(crate) fn status(&self) -> Status {
        let mut parts = self.parts.iter().map(|part| part.board.get());
        let Some(mut whole) = parts.next() else {
            return Status::default();
        };
        for part in parts {
            whole.state = whole.state.max_attention(part.state);
            whole.position = whole.position.min(part.position);
            whole.handled += part.handled;
            whole.parked += part.parked;
            whole.failures += part.failures;
            whole.last_error = whole.last_error.or(part.last_error);
            whole.handled_until = whole.handled_until.max(part.handled_until);
            whole.lag = whole.lag.max(part.lag);
            whole.remaining = match (whole.remaining, part.remaining) {
                (Some(one), Some(other)) => Some(one + other),
                (one, other) => one.or(other),
            };
            whole.events_per_second += part.events_per_second;
        }
        whole
    }

    /// Waits for one partition: by looking at it where it runs here, else by its checkpoint.
    async fn wait(&self, part: &Part, position: Position) {
        let mut pause = Duration::from_millis(2);
        loop {
            if part.board.get().position >= Some(position) {
                return;
            }
            if let Some(checkpoints) = self.store.checkpoints()
                && let Ok(Some(checkpoint)) = checkpoints.get(&part.reader).await
                && checkpoint.position >= Some(position)
            {
                return;
            }
            let sleep = self.runtime.sleep(pause);
            let changed = part.board.clone().watch();
            let mut moved = Box::pin(changed.filter(|status| std::future::ready(status.position >= Some(position))));
            futures::future::select(sleep, moved.next()).await;
            pause = (pause * 2).min(Duration::from_millis(100));
        }
    }
}

/// What needs a projection whose type is not known here.
#[async_trait]
pub(crate) trait Steps: Send + Sync + 'static {
    async fn redrive(&self, inner: &Inner, position: Position) -> Result<(), EngineError>;
    async fn switch(&self, inner: &Inner, timeout: Duration) -> Result<(), EngineError>;
    async fn remove(&self, inner: &Inner) -> Result<(), EngineError>;
}

pub(crate) struct OfType<L, F> {
    pub(crate) lifecycle: Arc<L>,
    pub(crate) decode: F,
}

#[async_trait]
impl<L, F> Steps for OfType<L, F>
where
    L: Lifecycle,
    F: Fn() -> L::Decode + Send + Sync + 'static,
{
    async fn switch(&self, inner: &Inner, timeout: Duration) -> Result<(), EngineError> {
        switch(inner, &self.lifecycle, timeout).await
    }

    async fn remove(&self, inner: &Inner) -> Result<(), EngineError> {
        remove(inner, &self.lifecycle).await
    }

    async fn redrive(&self, inner: &Inner, position: Position) -> Result<(), EngineError> {
        redrive(inner, &self.lifecycle, (self.decode)(), position).await
    }
}
