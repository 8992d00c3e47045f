use std::fmt::Display;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use asynx_core::bus::{
    BusError, Delivery, Feed, Handler, Listener, Pattern, Subscription, SubscriptionId, SubscriptionOptions, Target,
    listener,
};
use asynx_core::{Ancestry, Bus, Event, Runtime};
use futures::channel::mpsc;
use futures::future::{self, BoxFuture, Either, MaybeDone};
use futures::{FutureExt, StreamExt};

use super::Probe;
use super::probe::{Call, Calls, Notes, made};
use crate::conformance::check::Kept;
use crate::conformance::law::with_causes;
use crate::conformance::witness::Witness;

/// What the hooks were told: of which event of which subscription, and how it failed.
pub(super) type Told = (String, SubscriptionId, String);

/// One check of one bus: what it works with, and how it tells what it saw.
pub struct Trial {
    pub(super) witness: Witness,
    pub(super) bus: Arc<dyn Bus<Probe>>,
    pub(super) runtime: Arc<dyn Runtime>,
    pub(super) patience: Duration,
    pub(super) told: Mutex<mpsc::UnboundedReceiver<Told>>,
}

impl Deref for Trial {
    type Target = Witness;

    fn deref(&self) -> &Witness {
        &self.witness
    }
}

impl Trial {
    #[track_caller]
    pub(super) fn ok<T>(&self, what: impl Display, answer: Result<T, BusError>) -> Kept<T> {
        let told = |error| self.broken(format!("{what} failed: {}", with_causes(&error)));
        self.asked(answer.map_err(told))
    }

    #[track_caller]
    pub(super) fn is_closed<T>(&self, what: impl Display, answer: Result<T, BusError>) -> Kept {
        let looked_at = || match answer {
            Err(BusError::Closed) => Ok(()),
            Err(error) => Err(self.broken(format!("{what} was answered by {error:?}"))),
            Ok(_) => Err(self.broken(format!("{what} succeeded"))),
        };
        self.asserted(looked_at())
    }
}

/// Time.
impl Trial {
    /// Waits for what must happen.
    #[track_caller]
    pub(super) fn within<T>(
        &self,
        what: impl Display,
        happens: impl Future<Output = T>,
    ) -> impl Future<Output = Kept<T>> {
        self.asks(async move {
            let mut happens = std::pin::pin!(happens);
            // A sleep may cost a thread.
            if let Some(happened) = happens.as_mut().now_or_never() {
                return Ok(happened);
            }
            let bound = self.patience / 4;
            match future::select(happens, self.runtime.sleep(bound)).await {
                Either::Left((happened, _)) => Ok(happened),
                Either::Right(_) => Err(self.broken(format!("{what}: not within {bound:?}"))),
            }
        })
    }

    /// Waits for what may happen although it should not.
    pub(super) async fn grace(&self) {
        self.runtime.sleep(self.grace_time()).await;
    }

    /// The future must not end yet.
    #[track_caller]
    pub(super) fn waits<F: Future + Unpin>(
        &self,
        what: impl Display,
        future: &mut MaybeDone<F>,
    ) -> impl Future<Output = Kept> {
        self.asserts(async move {
            match future::select(future, self.runtime.sleep(self.grace_time())).await {
                Either::Left(_) => Err(self.broken(format!("{what} ended too early"))),
                Either::Right(_) => Ok(()),
            }
        })
    }

    fn grace_time(&self) -> Duration {
        (self.patience / 50).clamp(Duration::from_millis(10), Duration::from_millis(200))
    }
}

/// The bus.
impl Trial {
    #[track_caller]
    pub(super) fn subscribe(&self, pattern: &str, handler: Handler<Probe>) -> Kept<SubscriptionId> {
        self.subscribe_with(pattern, handler, |_| {})
    }

    #[track_caller]
    pub(super) fn subscribe_with(
        &self,
        pattern: &str,
        handler: Handler<Probe>,
        change: impl FnOnce(&mut SubscriptionOptions<Probe>),
    ) -> Kept<SubscriptionId> {
        let mut options = SubscriptionOptions::default();
        change(&mut options);
        let subscription = subscription(pattern, Target::Handler(handler), options);
        self.ok("subscribing", self.bus.subscribe(subscription))
    }

    #[track_caller]
    pub(super) fn listen(&self, pattern: &str) -> Kept<Listener<Probe>> {
        let (feed, listener): (Feed<Probe>, _) = listener(None);
        let subscription = subscription(pattern, Target::Stream(feed), SubscriptionOptions::default());
        let subscribed = self.ok("subscribing a stream", self.bus.subscribe(subscription));
        subscribed.map(|_| listener)
    }

    #[track_caller]
    pub(super) fn on_forget(&self, handler: Handler<Probe>) -> Kept<SubscriptionId> {
        self.ok("adding a forget handler", self.bus.on_forget(handler))
    }

    #[track_caller]
    pub(super) fn unsubscribe(&self, id: SubscriptionId) -> Kept {
        self.ok("unsubscribing", self.bus.unsubscribe(id))
    }

    /// Publishes elsewhere, so that a publish that never returns is found as well.
    #[track_caller]
    pub(super) fn publish_all(&self, events: Vec<Event<Probe>>) -> impl Future<Output = Kept> {
        self.asks(async move {
            let bus = Arc::clone(&self.bus);
            let (done, published) = futures::channel::oneshot::channel();
            self.runtime.spawn(Box::pin(async move {
                let published = events.into_iter().try_for_each(|event| bus.publish(event));
                let _ = done.send(published);
            }));
            match self.within("publishing", published).await? {
                Ok(published) => self.ok("publishing", published),
                Err(_) => Err(self.broken("publish panicked")),
            }
        })
    }

    /// Publishes the events `Made` of these labels.
    #[track_caller]
    pub(super) fn publish<L: AsRef<str>>(&self, labels: impl IntoIterator<Item = L>) -> impl Future<Output = Kept> {
        self.asks(async move {
            let events = labels.into_iter().map(|label| made(label.as_ref()));
            self.publish_all(events.collect()).await
        })
    }

    #[track_caller]
    pub(super) fn publish_tracked(&self, event: Event<Probe>) -> Kept<Delivery> {
        self.ok("publishing tracked", self.bus.publish_tracked(event))
    }

    /// Publishes `Made`, and gives the end of its delivery.
    #[track_caller]
    pub(super) fn tracked(&self, label: &str) -> Kept<End> {
        let delivery = self.publish_tracked(made(label));
        delivery.map(|delivery| end_of(delivery, Ancestry::default()))
    }

    #[track_caller]
    pub(super) fn idle(&self) -> impl Future<Output = Kept> {
        self.asserts(async move { self.within("being idle", self.bus.idle()).await })
    }
}

/// What handlers and hooks see.
impl Trial {
    #[track_caller]
    pub(super) fn call(&self, calls: &mut Calls) -> impl Future<Output = Kept<Call>> {
        self.asks(async move {
            let call = self.within("the handler's next call", calls.next()).await?;
            call.ok_or_else(|| self.broken("the handler was dropped"))
        })
    }

    /// The next call, which must be for this event.
    #[track_caller]
    pub(super) fn call_of(&self, calls: &mut Calls, label: &str) -> impl Future<Output = Kept<Call>> {
        self.asks(async move {
            let call = self.call(calls).await?;
            self.equal("the handler's next call", call.label(), label.to_owned())?;
            Ok(call)
        })
    }

    /// So many calls, in any order.
    #[track_caller]
    pub(super) fn calls(&self, calls: &mut Calls, count: usize) -> impl Future<Output = Kept<Vec<Call>>> {
        self.asks(async move {
            let mut taken = Vec::new();
            while taken.len() < count {
                taken.push(self.call(calls).await?);
            }
            Ok(taken)
        })
    }

    /// No call is made although there was time for it.
    #[track_caller]
    pub(super) fn no_call(&self, why: &str, calls: &mut Calls) -> impl Future<Output = Kept> {
        self.asserts(async move {
            self.grace().await;
            match calls.try_recv() {
                Ok(call) => Err(self.broken(format!("{why}: the handler was called with {}", call.label()))),
                Err(_) => Ok(()),
            }
        })
    }

    /// Exactly these are noted.
    #[track_caller]
    pub(super) fn noted<L: AsRef<str>>(
        &self,
        what: &str,
        notes: &mut Notes,
        expected: &[L],
    ) -> impl Future<Output = Kept> {
        self.asserts(async move {
            let expected: Vec<&str> = expected.iter().map(AsRef::as_ref).collect();
            let mut found = Vec::new();
            while found.len() < expected.len() {
                let next = self.within(format!("{what}, given {found:?} of {expected:?}"), notes.next());
                match next.await? {
                    Some(label) => found.push(label),
                    None => break,
                }
            }
            self.grace().await;
            found.extend(std::iter::from_fn(|| notes.try_recv().ok()));
            self.equal(what, found.iter().map(String::as_str).collect(), expected)
        })
    }

    #[track_caller]
    pub(super) fn told(&self) -> impl Future<Output = Kept<Told>> {
        self.asks(async move {
            let next = std::future::poll_fn(|cx| {
                let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
                told.poll_next_unpin(cx)
            });
            let told = self.within("the hooks being told", next).await?;
            told.ok_or_else(|| self.broken("the bus dropped its hooks"))
        })
    }

    /// The hooks are told this next; `why` is a part of the failure's message.
    #[track_caller]
    pub(super) fn told_of(&self, label: &str, id: SubscriptionId, why: &str) -> impl Future<Output = Kept> {
        self.asserts(async move {
            let told = self.told().await?;
            let fits = told.0 == label && told.1 == id && told.2.contains(why);
            self.ensure(
                fits,
                format!("the hooks were told {told:?}, expected {label} of {id}: {why}"),
            )
        })
    }
}

/// The end of a delivery.
pub(super) type End = MaybeDone<BoxFuture<'static, ()>>;

/// That for who has these ancestors.
pub(super) fn end_of(delivery: Delivery, ancestors: Ancestry) -> End {
    future::maybe_done(async move { delivery.wait(&ancestors).await }.boxed())
}

fn subscription(pattern: &str, target: Target<Probe>, options: SubscriptionOptions<Probe>) -> Subscription<Probe> {
    Subscription {
        pattern: Pattern::parse(pattern).expect("checks use valid patterns"),
        target,
        options,
    }
}
