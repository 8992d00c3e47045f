//! What a bus, its handlers, streams and hooks can lie about.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use asynx_core::bus::{Feed, Handler, HandlerError, HandlerFailure, Hooks, SubscriptionId, Target};
use asynx_core::{
    AggregateId, Ancestry, BusError, Context, Event, EventId, Record, Runtime, SchemaVersion, Timestamp, Version,
};
use asynx_testkit::ThreadRuntime;
use asynx_testkit::conformance::bus::Probe;
use bytes::Bytes;
use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::{self, BoxFuture};

use crate::lies::{Made, Script};

/// Tells the lies; cheap to clone.
#[derive(Clone)]
pub(super) struct Teller {
    pub(super) script: Script,
    pub(super) runtime: Arc<dyn Runtime>,
    pub(super) known: Arc<Mutex<Known>>,
}

/// Who was subscribed, for calls that should not be.
#[derive(Default)]
pub(super) struct Known {
    pub(super) handlers: Vec<(SubscriptionId, Handler<Probe>)>,
    pub(super) gone: Vec<Handler<Probe>>,
    pub(super) forget_handlers: Vec<Handler<Probe>>,
    /// The feeds of lying streams that end when the bus is closed.
    pub(super) feeds: Vec<Arc<Feed<Probe>>>,
}

pub(super) fn nobody() -> SubscriptionId {
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

impl Teller {
    /// Counts a call that can lie in these ways, and tells that it does.
    pub(super) fn call(&self, kind: &'static str, lies: &[&str]) -> Made {
        let made = self.script.made(kind);
        self.script.could(&made, lies.iter().map(|how| (*how).to_owned()));
        if made.lie.is_some() {
            self.script.tells();
        }
        made
    }

    pub(super) fn tell(
        &self,
        hooks: &Hooks<Probe>,
        event: &Event<Probe>,
        id: SubscriptionId,
        failure: &HandlerFailure,
    ) {
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

    pub(super) fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes every subscription for an ancestor.
    pub(super) fn strangers(&self, ancestry: &Ancestry) -> Ancestry {
        let known = self.known();
        let ids = known.handlers.iter().map(|(id, _)| *id);
        ids.fold(ancestry.clone(), |ancestry, id| ancestry.child(id))
    }

    /// Gives an event to these, at once.
    pub(super) fn give(&self, handlers: Vec<Handler<Probe>>, event: &Event<Probe>) {
        for handler in handlers {
            self.runtime.spawn(handler(event.clone()).map(drop).boxed());
        }
    }

    /// A handler whose calls can lie.
    pub(super) fn lying(&self, kind: &'static str, handler: Handler<Probe>) -> Handler<Probe> {
        let teller = self.clone();
        Arc::new(move |event| teller.handle(kind, &handler, event))
    }

    pub(super) fn handle(
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
    pub(super) fn stream(&self, feed: Feed<Probe>) -> Target<Probe> {
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
    pub(super) fn answer<T>(
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
