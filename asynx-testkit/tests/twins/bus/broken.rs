//! A bus that is broken in one way.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use asynx_bus::InProcessBus;
use asynx_core::bus::{
    Delivery, ForgetHandler, Handler, HandlerFailure, Hooks, Pattern, Subscription, SubscriptionId, Target,
};
use asynx_core::{Ancestry, Bus, BusError, Event, Runtime};
use asynx_testkit::ThreadRuntime;
use asynx_testkit::conformance::bus::Probe;
use futures::FutureExt;
use futures::channel::oneshot;
use futures::future;

use super::mutation::Mutation;

/// An in-process bus with one fault.
pub(super) struct Broken {
    mutation: Mutation,
    inner: InProcessBus<Probe>,
    runtime: Arc<dyn Runtime>,
    published: AtomicUsize,
    queued: Arc<AtomicUsize>,
    closed: AtomicBool,
    late: Mutex<Option<Event<Probe>>>,
    /// Held while a handler runs.
    one: Arc<futures::lock::Mutex<()>>,
    /// What `.*` was given to.
    all: Mutex<Vec<Handler<Probe>>>,
    forgets: Mutex<Vec<ForgetHandler<Probe>>>,
}

impl Broken {
    pub(super) fn new(mutation: Mutation, runtime: Arc<dyn Runtime>, hooks: Hooks<Probe>) -> Self {
        let told = Hooks::default().on_handler_failure(move |event, id, failure| match (mutation, failure) {
            (Mutation::CloseTellsNothing, HandlerFailure::Closed) => {}
            (Mutation::PanicsAreNotTold, HandlerFailure::Panicked(_)) => {}
            (Mutation::TimeoutsAreNotTold, HandlerFailure::TimedOut { .. }) => {}
            _ => hooks.handler_failed(event, id, failure),
        });
        Self {
            mutation,
            inner: InProcessBus::new(Arc::clone(&runtime), told),
            runtime,
            published: AtomicUsize::new(0),
            queued: Arc::default(),
            closed: AtomicBool::new(false),
            late: Mutex::default(),
            one: Arc::default(),
            all: Mutex::default(),
            forgets: Mutex::default(),
        }
    }

    fn is(&self, mutation: Mutation) -> bool {
        self.mutation == mutation
    }

    /// A handler that runs another one in some other way.
    fn twist(&self, handler: Handler<Probe>) -> Handler<Probe> {
        let (mutation, runtime, one) = (self.mutation, Arc::clone(&self.runtime), Arc::clone(&self.one));
        Arc::new(move |event| match mutation {
            Mutation::HandlersAreNotWaitedFor => {
                runtime.spawn(handler(event).map(drop).boxed());
                future::ready(Ok(())).boxed()
            }
            Mutation::OneHandlerAtATime => {
                let (one, handler) = (Arc::clone(&one), Arc::clone(&handler));
                async move {
                    let _one = one.lock().await;
                    handler(event).await
                }
                .boxed()
            }
            Mutation::HandlersRunOutside => {
                let (done, handled) = oneshot::channel();
                let handling = handler(event);
                runtime.spawn(
                    async move {
                        let _ = done.send(handling.await);
                    }
                    .boxed(),
                );
                async move { handled.await.unwrap_or_else(|_| Err("panicked".into())) }.boxed()
            }
            _ => handler(event),
        })
    }
}

#[async_trait]
impl Bus<Probe> for Broken {
    fn publish(&self, event: Event<Probe>) -> Result<(), BusError> {
        let fortieth = self.published.fetch_add(1, Ordering::Relaxed) % 40 == 39;
        let is_tombstone = event.event_name.is_tombstone();
        match self.mutation {
            Mutation::PublishAfterCloseIsOk if self.closed.load(Ordering::Relaxed) => Ok(()),
            Mutation::EventsAreLost if fortieth => Ok(()),
            Mutation::EventsAreGivenTwice if fortieth => {
                self.inner.publish(event.clone())?;
                self.inner.publish(event)
            }
            Mutation::EventsAreOvertaken => {
                let mut late = self.late.lock().expect("nothing panics");
                match late.take() {
                    None if fortieth => *late = Some(event),
                    Some(earlier) => {
                        self.inner.publish(event)?;
                        self.inner.publish(earlier)?;
                    }
                    None => self.inner.publish(event)?,
                }
                Ok(())
            }
            Mutation::TombstonesAreGiven if is_tombstone => {
                for handler in self.all.lock().expect("nothing panics").iter() {
                    self.runtime.spawn(handler(event.clone()).map(drop).boxed());
                }
                Ok(())
            }
            Mutation::PublishWaitsForRoom => {
                let delivery = self.inner.publish_tracked(event)?;
                let queued = Arc::clone(&self.queued);
                let full = queued.fetch_add(1, Ordering::Relaxed) > 500;
                let handled = async move {
                    delivery.wait(&Ancestry::default()).await;
                    queued.fetch_sub(1, Ordering::Relaxed);
                };
                match full {
                    true => drop(ThreadRuntime.block_on(future::select(
                        handled.boxed(),
                        self.runtime.sleep(Duration::from_secs(2)),
                    ))),
                    false => self.runtime.spawn(handled.boxed()),
                }
                Ok(())
            }
            Mutation::AncestorsAreForgotten => self.inner.publish(event.with_ancestry(Ancestry::default())),
            _ => self.inner.publish(event),
        }
    }

    fn publish_tracked(&self, event: Event<Probe>) -> Result<Delivery, BusError> {
        let delivery = self.inner.publish_tracked(event)?;
        if delivery.is_empty() {
            return Ok(delivery);
        }
        let len = delivery.len() as u64;
        let nobody = |number| SubscriptionId::new(u64::MAX - number);
        match self.mutation {
            Mutation::DeliveriesEndAtOnce => Ok(Delivery::new(
                (0..len)
                    .map(|number| (nobody(number), future::ready(()).boxed()))
                    .collect(),
            )),
            Mutation::DeliveriesKnowNobody => {
                let all = async move { delivery.wait(&Ancestry::default()).await }.boxed();
                let others = (1..len).map(|number| (nobody(number), future::ready(()).boxed()));
                Ok(Delivery::new(others.chain([(nobody(0), all)]).collect()))
            }
            _ => Ok(delivery),
        }
    }

    async fn forget(&self, tombstone: Event<Probe>) -> Result<(), BusError> {
        match self.mutation {
            Mutation::ForgetDoesNotWait => {
                let handlers = self.forgets.lock().expect("nothing panics").clone();
                for handler in handlers {
                    let _ = handler(tombstone.clone()).await;
                }
                self.inner.forget(tombstone).await
            }
            Mutation::ForgetIsAlwaysOk => {
                let answer = self.inner.forget(tombstone).await;
                if matches!(answer, Err(BusError::ForgetHandler { .. })) {
                    Ok(())
                } else {
                    answer
                }
            }
            Mutation::NewLivesDoNotWait => {
                // Forget handlers run outside of the bus, which holds nothing back meanwhile.
                self.inner.forget(tombstone.clone()).await?;
                let handlers = self.forgets.lock().expect("nothing panics").clone();
                for handler in handlers {
                    let _ = handler(tombstone.clone()).await;
                }
                Ok(())
            }
            Mutation::ForgetWaitsForItsAncestors => {
                self.inner.forget(tombstone.with_ancestry(Ancestry::default())).await
            }
            _ => self.inner.forget(tombstone).await,
        }
    }

    fn subscribe(&self, mut subscription: Subscription<Probe>) -> Result<SubscriptionId, BusError> {
        let options = &mut subscription.options;
        match self.mutation {
            Mutation::ConcurrencyIsIgnored => options.concurrency = std::num::NonZeroUsize::MAX,
            Mutation::QueuesAreNeverFull => options.capacity = None,
            Mutation::FallbacksDoNotRun => options.fallback = None,
            Mutation::TimeoutsAreIgnored => options.timeout = None,
            Mutation::FallbacksFailSilently => {
                options.fallback = options.fallback.take().map(|fallback| -> Handler<Probe> {
                    Arc::new(move |event| fallback(event).map(|_| Ok(())).boxed())
                });
            }
            Mutation::PatternsMatchParts => {
                let pattern = format!(".*{}.*", subscription.pattern);
                subscription.pattern = Pattern::parse(&pattern).map_err(BusError::from)?;
            }
            _ => {}
        }
        subscription.target = match subscription.target {
            Target::Handler(handler) => {
                if subscription.pattern.as_str() == ".*" {
                    self.all.lock().expect("nothing panics").push(Arc::clone(&handler));
                }
                Target::Handler(self.twist(handler))
            }
            Target::Stream(feed) if self.is(Mutation::StreamsOutliveClose) => {
                // What was close to it is passed on; its end is not.
                Target::Handler(Arc::new(move |event| {
                    feed.push(event);
                    future::ready(Ok(())).boxed()
                }))
            }
            stream => stream,
        };
        self.inner.subscribe(subscription)
    }

    fn on_forget(&self, handler: ForgetHandler<Probe>) -> Result<SubscriptionId, BusError> {
        if self.is(Mutation::ForgetDoesNotWait) || self.is(Mutation::NewLivesDoNotWait) {
            self.forgets.lock().expect("nothing panics").push(Arc::clone(&handler));
            return self.inner.on_forget(Arc::new(|_| future::ready(Ok(())).boxed()));
        }
        self.inner.on_forget(handler)
    }

    fn unsubscribe(&self, id: SubscriptionId) -> Result<(), BusError> {
        match self.mutation {
            Mutation::UnsubscribeEndsNothing if id.get() != u64::MAX => Ok(()),
            _ => self.inner.unsubscribe(id),
        }
    }

    async fn idle(&self) {
        if !self.is(Mutation::IdleEndsAtOnce) {
            self.inner.idle().await;
        }
    }

    fn close(&self) {
        self.closed.store(true, Ordering::Relaxed);
        self.inner.close();
    }
}
