use std::fmt;
use std::ops::RangeBounds;
use std::sync::{Arc, Weak};
use std::time::Duration;

use asynx_core::bus::{BusError, HandlerOutput, InvalidPattern, Listener, SubscriptionId};
use asynx_core::{Aggregate, Bus, Command, Error, Event, Version};
use asynx_processor::{Processor, Sending, WeakProcessor};
use futures::StreamExt;
use futures::stream::BoxStream;

use crate::builder::Builder;
use crate::handlers::{self, Subscribing};

/// One kind of aggregate: its commands, its states, its events. Cheap to clone; share it freely.
///
/// Dropping the last clone ends it: what was sent is carried out, handlers that run are not waited for.
/// [`shutdown`](Self::shutdown) ends it in order. A handler that holds a clone keeps it alive for ever: give it a
/// [`WeakAsynx`], or call `shutdown`.
pub struct Asynx<A: Aggregate> {
    processor: Processor<A>,
    bus: Arc<dyn Bus<A>>,
}

impl<A: Aggregate> Asynx<A> {
    /// Begins to build one; [`Builder::store`] is the only thing that must be given.
    pub fn builder() -> Builder<A> {
        Builder::new()
    }

    pub(crate) fn new(processor: Processor<A>, bus: Arc<dyn Bus<A>>) -> Self {
        Self { processor, bus }
    }

    /// A handle that does not keep it alive, for handlers.
    ///
    /// ```
    /// # use asynx::{Aggregate, Asynx, Event};
    /// # fn example<A: Aggregate>(orders: &Asynx<A>) -> Result<(), asynx::BusError> {
    /// let weak = orders.downgrade();
    /// orders.subscribe("OrderPaid", move |event: Event<A>| {
    ///     let orders = weak.upgrade();
    ///     async move {
    ///         if let Some(orders) = orders {
    ///             let _ = orders.exists(&event.aggregate_id).await;
    ///         }
    ///     }
    /// })?;
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn downgrade(&self) -> WeakAsynx<A> {
        WeakAsynx {
            processor: self.processor.downgrade(),
            bus: Arc::downgrade(&self.bus),
        }
    }

    /// Describes a command; awaiting it sends it and gives the event, which is durable then. Options chain on it:
    /// [`expecting`](Sending::expecting), [`idempotency_key`](Sending::idempotency_key),
    /// [`and_wait`](Sending::and_wait) and others.
    ///
    /// Commands of one aggregate are carried out one after the other, in the order in which they get into the queue (at
    /// their first poll, unless they must wait for a place); commands of different aggregates side by side.
    pub fn send<C: Command<A>>(&self, command: C) -> Sending<A, C> {
        self.processor.send(command)
    }

    /// Commands of one type as a [tower](crate::service) service.
    #[cfg(feature = "tower")]
    #[must_use]
    pub fn service<C: Command<A>>(&self) -> crate::service::CommandService<A, C> {
        crate::service::CommandService::new(self.clone())
    }

    #[cfg(feature = "tower")]
    pub(crate) fn is_shutting_down(&self) -> bool {
        self.processor.is_shutting_down()
    }

    /// The newest state, which was current at some moment of the call, also where other processes write.
    ///
    /// # Errors
    /// [`Error::NotFound`] where no such aggregate lives; else what keeps it from being loaded.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn get(&self, aggregate_id: impl AsRef<str>) -> Result<Arc<A>, Error> {
        self.processor.get(aggregate_id.as_ref()).await
    }

    /// Whether an aggregate lives. Its events are not read.
    ///
    /// # Errors
    /// [`Error::InvalidName`], [`Error::Store`], [`Error::ShuttingDown`].
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn exists(&self, aggregate_id: impl AsRef<str>) -> Result<bool, Error> {
        self.processor.exists(aggregate_id.as_ref()).await
    }

    /// Loads an aggregate into the cache, so that the next command or read need not.
    ///
    /// # Errors
    /// As [`get`](Self::get).
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn preload(&self, aggregate_id: impl AsRef<str>) -> Result<(), Error> {
        self.processor.preload(aggregate_id.as_ref()).await
    }

    /// The state as it was at a version of the present life.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::VersionNotFound`]; else what keeps it from being read.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn get_at(&self, aggregate_id: impl AsRef<str>, version: Version) -> Result<Arc<A>, Error> {
        self.processor.get_at(aggregate_id.as_ref(), version).await
    }

    /// The events of the present life, in order, with the states around each. They are read in pages while the stream
    /// is polled. After an error, such as [`Error::NotFound`], the stream ends.
    pub fn history(&self, aggregate_id: impl AsRef<str>) -> BoxStream<'static, Result<Event<A>, Error>> {
        self.processor.history(aggregate_id.as_ref())
    }

    /// Gives the events in a range of versions to a function, one after the other: `..` for all, `3..` for those from
    /// the third on, `1..=10` for the first ten.
    ///
    /// # Errors
    /// [`Error::NotFound`]; [`Error::ReplayEnded`] where the function returned an error, [`Error::Panicked`] where it
    /// panicked.
    ///
    /// # Cancel safety
    /// Safe; what the function has done stays done.
    pub async fn replay<F, Fut>(
        &self,
        aggregate_id: impl AsRef<str>,
        versions: impl RangeBounds<u64>,
        function: F,
    ) -> Result<(), Error>
    where
        F: FnMut(Event<A>) -> Fut,
        Fut: Future + Send,
        Fut::Output: HandlerOutput,
    {
        self.processor.replay(aggregate_id.as_ref(), versions, function).await
    }

    /// Forgets an aggregate: its life is closed by a tombstone, the handlers of [`on_forget`](Self::on_forget) clean
    /// up, then events, snapshots and cached states are erased. Versions and idempotency keys are not given again.
    ///
    /// # Errors
    /// [`Error::NotFound`] where no such aggregate lives, [`Error::ForgetUnsupported`] where the store cannot erase,
    /// [`Error::ForgetFailed`] where it is gone but not yet erased: call it again to resume.
    ///
    /// # Cancel safety
    /// Dropped after its first poll, the forget goes on; only its answer is lost.
    pub async fn forget(&self, aggregate_id: impl AsRef<str>) -> Result<(), Error> {
        self.processor.forget(aggregate_id.as_ref()).await
    }

    /// Begins a subscription: `handler` gets every event whose **whole** name matches the regular expression, after
    /// it is durable. Options chain on the answer; [`Subscribing::start`] starts it, or call
    /// [`subscribe`](Self::subscribe) for none.
    ///
    /// # Errors
    /// [`InvalidPattern`] for an empty or invalid pattern.
    pub fn subscribing<F, Fut>(&self, pattern: &str, handler: F) -> Result<Subscribing<A>, InvalidPattern>
    where
        F: Fn(Event<A>) -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
        Fut::Output: HandlerOutput,
    {
        Subscribing::new(Arc::clone(&self.bus), pattern, asynx_core::bus::handler(handler))
    }

    /// Subscribes: `handler` gets every event whose **whole** name matches the regular expression, after it is
    /// durable; events of one aggregate in version order, one after the other. Only this process's events come here,
    /// and an event is gone when the process ends: what must not be missed is read from the log.
    ///
    /// # Errors
    /// [`BusError::InvalidPattern`], [`BusError::Closed`].
    pub fn subscribe<F, Fut>(&self, pattern: &str, handler: F) -> Result<SubscriptionId, BusError>
    where
        F: Fn(Event<A>) -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
        Fut::Output: HandlerOutput,
    {
        self.subscribing(pattern, handler)?.start()
    }

    /// Subscribes a function that needs state, of which it gets a clone with each event.
    ///
    /// # Errors
    /// [`BusError::InvalidPattern`], [`BusError::Closed`].
    pub fn subscribe_with<S, F, Fut>(&self, pattern: &str, state: S, handler: F) -> Result<SubscriptionId, BusError>
    where
        S: Clone + Send + Sync + 'static,
        F: Fn(S, Event<A>) -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
        Fut::Output: HandlerOutput,
    {
        self.subscribe(pattern, move |event| handler(state.clone(), event))
    }

    /// Ends a subscription or a forget handler. What is queued for it is dropped, what runs is finished.
    ///
    /// # Errors
    /// [`BusError::UnknownSubscription`].
    pub fn unsubscribe(&self, id: SubscriptionId) -> Result<(), BusError> {
        self.bus.unsubscribe(id)
    }

    /// Adds a handler of forgets; [`EventData::aggregate`](asynx_core::EventData::aggregate) is the last state. The
    /// data is erased only after all forget handlers have succeeded. A handler that must also see the forgets that an
    /// earlier process left unfinished belongs in [`Builder::on_forget`].
    ///
    /// # Errors
    /// [`BusError::Closed`].
    pub fn on_forget<F, Fut>(&self, handler: F) -> Result<SubscriptionId, BusError>
    where
        F: Fn(Event<A>) -> Fut + Send + Sync + 'static,
        Fut: Future + Send + 'static,
        Fut::Output: HandlerOutput,
    {
        self.bus.on_forget(asynx_core::bus::handler(handler))
    }

    /// A stream of events by [`topic`](crate::topic) pattern, from now on; with a count it ends after so many. Events
    /// wait in it until they are taken. Dropping it unsubscribes.
    ///
    /// # Errors
    /// [`BusError::InvalidPattern`] for an empty pattern, [`BusError::Closed`].
    pub fn listen(&self, topic: &str, count: impl Into<Option<usize>>) -> Result<Listener<A>, BusError> {
        handlers::listen(&*self.bus, topic, count.into())
    }

    /// The next event by [`topic`](crate::topic) pattern, counted from the call, not from the first poll; `None` if
    /// the bus is closed before one comes.
    ///
    /// To see the event of one's own command, call this first, then send, then await this.
    ///
    /// # Errors
    /// [`BusError::InvalidPattern`] for an empty pattern, [`BusError::Closed`].
    ///
    /// # Cancel safety
    /// Safe; the subscription ends.
    pub fn next_event(&self, topic: &str) -> impl Future<Output = Result<Option<Event<A>>, BusError>> + Send + use<A> {
        let listening = self.listen(topic, 1);
        async move { Ok(listening?.next().await) }
    }

    /// Ends when no event is queued or handled. For tests.
    ///
    /// # Cancel safety
    /// Safe.
    pub async fn idle(&self) {
        self.bus.idle().await;
    }

    /// Ends in order: takes no more commands, answers those it has, writes what snapshots are due, lets handlers
    /// finish, closes the bus. What is left at the deadline is cut off and answered.
    ///
    /// # Errors
    /// [`Error::AlreadyShuttingDown`] for a second call, [`Error::ShutdownIncomplete`] when the deadline passed.
    ///
    /// # Cancel safety
    /// The shutdown goes on when the future is dropped.
    pub async fn shutdown(&self, deadline: Duration) -> Result<(), Error> {
        self.processor.shutdown(deadline).await
    }
}

/// An [`Asynx`] that is not kept alive by it.
pub struct WeakAsynx<A: Aggregate> {
    processor: WeakProcessor<A>,
    bus: Weak<dyn Bus<A>>,
}

impl<A: Aggregate> WeakAsynx<A> {
    /// The handle, while somebody else keeps it alive.
    #[must_use]
    pub fn upgrade(&self) -> Option<Asynx<A>> {
        Some(Asynx {
            processor: self.processor.upgrade()?,
            bus: self.bus.upgrade()?,
        })
    }
}

impl<A: Aggregate> Clone for WeakAsynx<A> {
    fn clone(&self) -> Self {
        Self {
            processor: self.processor.clone(),
            bus: Weak::clone(&self.bus),
        }
    }
}

impl<A: Aggregate> fmt::Debug for WeakAsynx<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WeakAsynx").finish_non_exhaustive()
    }
}

impl<A: Aggregate> Clone for Asynx<A> {
    fn clone(&self) -> Self {
        Self {
            processor: self.processor.clone(),
            bus: Arc::clone(&self.bus),
        }
    }
}

impl<A: Aggregate> fmt::Debug for Asynx<A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asynx")
            .field("category", &A::CATEGORY)
            .finish_non_exhaustive()
    }
}
