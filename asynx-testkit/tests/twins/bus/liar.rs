//! A bus that tells one lie.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use asynx_bus::InProcessBus;
use asynx_core::bus::{
    Delivery, Feed, ForgetHandler, Handler, HandlerError, HandlerFailure, Hooks, Pattern, Subscription, SubscriptionId,
    SubscriptionOverflow, Target,
};
use asynx_core::{
    AggregateId, Ancestry, Bus, BusError, Context, Event, EventId, Record, Runtime, SchemaVersion, Timestamp, Version,
};
use asynx_testkit::ThreadRuntime;
use asynx_testkit::conformance::bus::Probe;
use bytes::Bytes;
use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::{self, BoxFuture};

use crate::lies::{Made, Script};

/// A sound bus, but for what the script says.
pub(super) struct Liar {
    sound: InProcessBus<Probe>,
    teller: Teller,
}

/// Tells the lies; cheap to clone.
#[derive(Clone)]
struct Teller {
    script: Script,
    runtime: Arc<dyn Runtime>,
    known: Arc<Mutex<Known>>,
}

/// Who was subscribed, for calls that should not be.
#[derive(Default)]
struct Known {
    handlers: Vec<(SubscriptionId, Handler<Probe>)>,
    gone: Vec<Handler<Probe>>,
    forget_handlers: Vec<Handler<Probe>>,
    /// The feeds of lying streams that end when the bus is closed.
    feeds: Vec<Arc<Feed<Probe>>>,
}

fn nobody() -> SubscriptionId {
    SubscriptionId::new(u64::MAX - 1)
}

/// Another event of the same name.
fn another(event: &Event<Probe>) -> Event<Probe> {
    let record = Record::new(
        EventId::generate(&ThreadRuntime),
        event.event_name.clone(),
        Version::FIRST.plus(6),
        SchemaVersion::FIRST,
        Timestamp::UNIX_EPOCH,
        Arc::clone(&event.metadata),
        Bytes::from_static(b"[]"),
    );
    let id = AggregateId::parse("z").expect("a valid id");
    Event::new(id, record, None, None, Arc::new(Probe::default()))
}

impl Liar {
    pub(super) fn new(script: &Script, runtime: Arc<dyn Runtime>, hooks: Hooks<Probe>) -> Self {
        let teller = Teller {
            script: script.clone(),
            runtime: Arc::clone(&runtime),
            known: Arc::default(),
        };
        let mut heard = Some(hooks);
        if teller.call("hooks", &["are dropped"]).lie.is_some() {
            heard = None;
        }
        let tells = teller.clone();
        let told = Hooks::default().on_handler_failure(move |event, id, failure| {
            if let Some(hooks) = &heard {
                tells.tell(hooks, event, id, failure);
            }
        });
        Self {
            sound: InProcessBus::new(runtime, told),
            teller,
        }
    }
}

impl Teller {
    /// Counts a call that can lie in these ways, and tells that it does.
    fn call(&self, kind: &'static str, lies: &[&str]) -> Made {
        let made = self.script.made(kind);
        self.script.could(&made, lies.iter().map(|how| (*how).to_owned()));
        if made.lie.is_some() {
            self.script.tells();
        }
        made
    }

    fn tell(&self, hooks: &Hooks<Probe>, event: &Event<Probe>, id: SubscriptionId, failure: &HandlerFailure) {
        let lies = [
            "nothing",
            "twice",
            "of another event",
            "of another subscription",
            "of another failure",
        ];
        let (mut event, mut id, mut of) = (event.clone(), id, None);
        match self.call("told", &lies).lie.as_deref() {
            Some("nothing") => return,
            Some("twice") => hooks.handler_failed(&event, id, failure),
            Some("of another event") => event = another(&event),
            Some("of another subscription") => id = nobody(),
            Some(_) => of = Some(HandlerFailure::Failed("a lie".into())),
            None => {}
        }
        hooks.handler_failed(&event, id, of.as_ref().unwrap_or(failure));
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes every subscription for an ancestor.
    fn strangers(&self, ancestry: &Ancestry) -> Ancestry {
        let known = self.known();
        let ids = known.handlers.iter().map(|(id, _)| *id);
        ids.fold(ancestry.clone(), |ancestry, id| ancestry.child(id))
    }

    /// Gives an event to these, at once.
    fn give(&self, handlers: Vec<Handler<Probe>>, event: &Event<Probe>) {
        for handler in handlers {
            self.runtime.spawn(handler(event.clone()).map(drop).boxed());
        }
    }

    /// A handler whose calls can lie.
    fn lying(&self, kind: &'static str, handler: Handler<Probe>) -> Handler<Probe> {
        let teller = self.clone();
        Arc::new(move |event| teller.handle(kind, &handler, event))
    }

    fn handle(
        &self,
        kind: &'static str,
        handler: &Handler<Probe>,
        event: Event<Probe>,
    ) -> BoxFuture<'static, Result<(), HandlerError>> {
        let lies = [
            "is not given",
            "is given twice",
            "is given with something else",
            "is something else",
            "is late",
            "is dropped",
            "is dropped at its end",
            "never ends",
            "is not waited for",
            "is outside",
            "succeeds",
            "fails",
            "by another cause",
            "without ancestors",
            "with strangers",
            "knows no ancestors",
            "knows strangers",
        ];
        let made = self.call(kind, &lies);
        let (runtime, same) = (Arc::clone(&self.runtime), event.clone());
        let inside = |id, ancestry: Ancestry| {
            let context = Context::of(id, &event.metadata, ancestry);
            context.scope(handler(event.clone())).boxed()
        };
        match made.lie.as_deref() {
            None => handler(event),
            Some("is not given") => future::ready(Ok(())).boxed(),
            Some("is given twice") => {
                let again = handler(same);
                handler(event).then(|_| again).boxed()
            }
            Some("is given with something else") => {
                runtime.spawn(handler(another(&same)).map(drop).boxed());
                handler(event)
            }
            Some("is something else") => handler(another(&event)),
            Some("is late") => {
                let handler = Arc::clone(handler);
                let late = async move {
                    runtime.sleep(Duration::from_millis(500)).await;
                    handler(event).await
                };
                late.boxed()
            }
            Some("is dropped") => {
                let mut handling = handler(event);
                let _ = (&mut handling).now_or_never();
                drop(handling);
                future::pending().boxed()
            }
            Some("is dropped at its end") => handler(event).then(|_| future::ready(Ok(()))).boxed(),
            Some("never ends") => handler(event).then(|_| future::pending()).boxed(),
            Some("is not waited for") => {
                runtime.spawn(handler(event).map(drop).boxed());
                future::ready(Ok(())).boxed()
            }
            Some("is outside") => {
                let (done, handled) = oneshot::channel();
                let handling = handler(event);
                runtime.spawn(handling.map(|answer| drop(done.send(answer))).boxed());
                async move { handled.await.unwrap_or(Ok(())) }.boxed()
            }
            Some("succeeds") => handler(event).map(|_| Ok(())).boxed(),
            Some("fails") => handler(event).map(|_| Err("a lie".into())).boxed(),
            Some("by another cause") => inside(EventId::generate(&ThreadRuntime), event.ancestry().clone()),
            Some("without ancestors") => inside(event.id, Ancestry::default()),
            Some("with strangers") => inside(event.id, self.strangers(event.ancestry())),
            Some("knows no ancestors") => handler(event.with_ancestry(Ancestry::default())),
            Some("knows strangers") => {
                let ancestry = self.strangers(event.ancestry());
                handler(event.with_ancestry(ancestry))
            }
            Some(other) => panic!("no such lie: {other}"),
        }
    }

    /// What of a stream can be false.
    fn stream(&self, feed: Feed<Probe>) -> Target<Probe> {
        let lies = [
            "loses the first",
            "is given the first twice",
            "is given something else",
            "is something else",
            "goes on",
            "ends",
        ];
        let made = self.call("stream", &lies);
        let Some(lie) = made.lie else {
            return Target::Stream(feed);
        };
        let first = std::sync::atomic::AtomicBool::new(true);
        if lie == "ends" {
            feed.close();
            return Target::Handler(Arc::new(|_| future::ready(Ok(())).boxed()));
        }
        let feed = Arc::new(feed);
        if lie != "goes on" {
            self.known().feeds.push(Arc::clone(&feed));
        }
        Target::Handler(Arc::new(move |event| {
            let is_first = first.swap(false, std::sync::atomic::Ordering::SeqCst);
            match lie.as_str() {
                "loses the first" if is_first => return future::ready(Ok(())).boxed(),
                "is given the first twice" if is_first => drop(feed.push(event.clone())),
                "is given something else" if is_first => drop(feed.push(another(&event))),
                "is something else" if is_first => {
                    feed.push(another(&event));
                    return future::ready(Ok(())).boxed();
                }
                _ => {}
            }
            feed.push(event);
            future::ready(Ok(())).boxed()
        }))
    }

    /// What can be answered instead of an id or nothing.
    fn answer<T>(
        &self,
        kind: &'static str,
        pretended: Option<T>,
        call: impl FnOnce() -> Result<T, BusError>,
    ) -> Result<T, BusError> {
        match self
            .call(kind, &["fails", "is closed", "is not made", "panics"])
            .lie
            .as_deref()
        {
            Some("fails") => Err(BusError::UnknownSubscription(nobody())),
            Some("is closed") => Err(BusError::Closed),
            Some("panics") => panic!("as the script wants"),
            Some(_) => pretended.map_or_else(call, Ok),
            None => call(),
        }
    }
}

#[async_trait]
impl Bus<Probe> for Liar {
    fn publish(&self, event: Event<Probe>) -> Result<(), BusError> {
        let again = event.clone();
        let answer = self.teller.answer("publish", Some(()), || self.sound.publish(event));
        let lies = ["is made", "reaches everybody", "reaches who is gone"];
        match self.teller.call("publish_again", &lies).lie.as_deref() {
            Some("is made") => self.sound.publish(again)?,
            Some("reaches everybody") => {
                let handlers = self.teller.known().handlers.clone();
                let handlers = handlers.into_iter().map(|(_, handler)| handler);
                self.teller.give(handlers.collect(), &again);
            }
            Some(_) => {
                let gone = self.teller.known().gone.clone();
                self.teller.give(gone, &again);
            }
            None => {}
        }
        answer
    }

    fn publish_tracked(&self, event: Event<Probe>) -> Result<Delivery, BusError> {
        let nothing = Delivery::new(Vec::new());
        let delivery = self
            .teller
            .answer("publish_tracked", Some(nothing), || self.sound.publish_tracked(event))?;
        let others = |ends: bool, count: usize| {
            let end = || match ends {
                true => future::ready(()).boxed(),
                false => future::pending().boxed(),
            };
            Delivery::new((0..count).map(|_| (nobody(), end())).collect())
        };
        let len = delivery.len();
        let lies = ["ends at once", "never ends", "knows nobody", "one more"];
        match self.teller.call("delivery", &lies).lie.as_deref() {
            Some("ends at once") => Ok(others(true, len)),
            Some("never ends") => Ok(others(false, len)),
            Some("one more") => Ok(others(true, len + 1)),
            Some(_) => {
                let all = async move { delivery.wait(&Ancestry::default()).await }.boxed();
                Ok(Delivery::new(vec![(nobody(), all)]))
            }
            None => Ok(delivery),
        }
    }

    async fn forget(&self, tombstone: Event<Probe>) -> Result<(), BusError> {
        let lies = [
            "fails",
            "fails for another",
            "fails otherwise",
            "is closed",
            "is not made",
            "is made twice",
            "reaches its handlers at once",
            "ends at once",
            "never ends",
            "succeeds",
            "panics",
        ];
        let again = tombstone.clone();
        let made = self.teller.call("forget", &lies);
        let failed = |subscription, why: &str| BusError::ForgetHandler {
            subscription,
            failure: Arc::new(HandlerFailure::Failed(why.to_owned().into())),
        };
        if made.lie.as_deref() == Some("reaches its handlers at once") {
            let handlers = self.teller.known().forget_handlers.clone();
            self.teller.give(handlers, &tombstone);
        }
        match made.lie.as_deref() {
            Some("fails") => Err(failed(nobody(), "a failure")),
            Some("is closed") => Err(BusError::Closed),
            Some("is not made") => Ok(()),
            Some("ends at once") => {
                let forgetting = self.sound.forget(tombstone).boxed();
                let mut forgetting = forgetting;
                let _ = (&mut forgetting).now_or_never();
                Ok(())
            }
            Some("never ends") => future::pending().await,
            Some("panics") => panic!("as the script wants"),
            lie => {
                let answer = self.sound.forget(tombstone).await;
                match (lie, answer) {
                    (Some("is made twice"), _) => self.sound.forget(again).await,
                    (Some("succeeds"), _) => Ok(()),
                    (Some("fails for another"), Err(_)) => Err(failed(nobody(), "a failure")),
                    (Some("fails otherwise"), Err(BusError::ForgetHandler { subscription, .. })) => {
                        Err(failed(subscription, "a lie"))
                    }
                    (_, answer) => answer,
                }
            }
        }
    }

    fn subscribe(&self, mut subscription: Subscription<Probe>) -> Result<SubscriptionId, BusError> {
        let lies = [
            "for all",
            "no timeout",
            "no capacity",
            "overflows otherwise",
            "all at a time",
            "of another id",
        ];
        let made = self.teller.call("subscription", &lies);
        let options = &mut subscription.options;
        match made.lie.as_deref() {
            Some("for all") => subscription.pattern = Pattern::parse(".*").expect("a valid pattern"),
            Some("no timeout") => options.timeout = None,
            Some("no capacity") => options.capacity = None,
            Some("overflows otherwise") => {
                options.overflow = match options.overflow {
                    SubscriptionOverflow::DropOldest => SubscriptionOverflow::DropNewest,
                    _ => SubscriptionOverflow::DropOldest,
                };
            }
            Some("all at a time") => options.concurrency = std::num::NonZeroUsize::MAX,
            _ => {}
        }
        options.fallback = options
            .fallback
            .take()
            .map(|fallback| self.teller.lying("fallback", fallback));
        let mut given = None;
        subscription.target = match subscription.target {
            Target::Handler(handler) => {
                given = Some(Arc::clone(&handler));
                Target::Handler(self.teller.lying("handler", handler))
            }
            Target::Stream(feed) => self.teller.stream(feed),
        };
        let id = self
            .teller
            .answer("subscribe", Some(nobody()), || self.sound.subscribe(subscription))?;
        if id != nobody() {
            self.teller.known().handlers.extend(given.map(|handler| (id, handler)));
        }
        Ok(if made.lie.as_deref() == Some("of another id") {
            nobody()
        } else {
            id
        })
    }

    fn on_forget(&self, handler: ForgetHandler<Probe>) -> Result<SubscriptionId, BusError> {
        self.teller.known().forget_handlers.push(Arc::clone(&handler));
        let handler = self.teller.lying("forget_handler", handler);
        self.teller
            .answer("on_forget", Some(nobody()), || self.sound.on_forget(handler))
    }

    fn unsubscribe(&self, id: SubscriptionId) -> Result<(), BusError> {
        let mut known = self.teller.known();
        let gone: Vec<_> = known.handlers.extract_if(.., |(of, _)| *of == id).collect();
        known.gone.extend(gone.into_iter().map(|(_, gone)| gone));
        drop(known);
        self.teller
            .answer("unsubscribe", Some(()), || self.sound.unsubscribe(id))
    }

    async fn idle(&self) {
        match self.teller.call("idle", &["ends at once", "never ends"]).lie.as_deref() {
            Some("ends at once") => {}
            Some(_) => future::pending().await,
            None => self.sound.idle().await,
        }
    }

    fn close(&self) {
        if self.teller.call("close", &["is not made"]).lie.is_none() {
            self.sound.close();
            for feed in self.teller.known().feeds.drain(..) {
                feed.close();
            }
        }
    }
}
