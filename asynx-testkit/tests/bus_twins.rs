//! The proof of the laws of buses: for each a bus that is broken in one way, which that law must find, and a bus that
//! is whole, which no law may find broken.

use std::collections::BTreeSet;
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
use asynx_testkit::conformance::LawBroken;
use asynx_testkit::conformance::bus::{BusFixture, CHECKS, LAWS, Probe};
use futures::FutureExt;
use futures::channel::oneshot;
use futures::future::{self, join_all};

macro_rules! mutations {
    ($($(#[$doc:meta])* $name:ident: $test:ident breaks $law:ident $(and $other:ident)*;)*) => {
        /// One thing that is wrong with a bus.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        enum Mutation {
            /// Nothing is wrong.
            None,
            $($(#[$doc])* $name,)*
        }

        const MUTATIONS: &[(Mutation, &str)] = &[$((Mutation::$name, stringify!($law))),*];

        $(#[test]
        fn $test() {
            is_broken(Mutation::$name, stringify!($law), &[$(stringify!($other)),*]);
        })*
    };
}

// The law after "breaks" must be found broken; those after "and" may be, since the same fault shows there too.
mutations! {
    /// A pattern may match a part of the name.
    PatternsMatchParts: patterns_match_parts breaks B1;
    /// Every fortieth event is lost.
    EventsAreLost: events_are_lost breaks B1 and B2 and B3;
    /// Every fortieth event is given twice.
    EventsAreGivenTwice: events_are_given_twice breaks B1 and B2 and B3;
    /// `unsubscribe` is answered, and ends nothing.
    UnsubscribeEndsNothing: unsubscribe_ends_nothing breaks B1 and B5 and B6;
    /// Queues are never full.
    QueuesAreNeverFull: queues_are_never_full breaks B1;
    /// Some events are overtaken by the next one.
    EventsAreOvertaken: events_are_overtaken breaks B2 and B1 and B3;
    /// Of any number of aggregates events are handled at a time.
    ConcurrencyIsIgnored: concurrency_is_ignored breaks B2;
    /// A handler's end is not waited for.
    HandlersAreNotWaitedFor: handlers_are_not_waited_for breaks B2 and B1 and B4 and B5 and B6 and B7 and B8;
    /// When many events are queued, `publish` waits for their handlers.
    PublishWaitsForRoom: publish_waits_for_room breaks B3 and B2;
    /// One handler runs at a time, of all subscriptions.
    OneHandlerAtATime: one_handler_at_a_time breaks B3 and B2 and B5 and B6 and B7 and B8;
    /// The hooks are told nothing of panics.
    PanicsAreNotTold: panics_are_not_told breaks B4;
    /// Fallbacks are forgotten.
    FallbacksDoNotRun: fallbacks_do_not_run breaks B4 and B5 and B6 and B7 and B8;
    /// Handlers may take as long as they like.
    TimeoutsAreIgnored: timeouts_are_ignored breaks B4;
    /// A fallback's failure is told to nobody.
    FallbacksFailSilently: fallbacks_fail_silently breaks B4;
    /// Deliveries end at once.
    DeliveriesEndAtOnce: deliveries_end_at_once breaks B5;
    /// A delivery knows one subscription, which is nobody's.
    DeliveriesKnowNobody: deliveries_know_nobody breaks B5;
    /// Forget handlers run at once.
    ForgetDoesNotWait: forget_does_not_wait breaks B6 and B7;
    /// A failed forget handler is passed over.
    ForgetIsAlwaysOk: forget_is_always_ok breaks B6;
    /// What comes after the tombstone is given at once.
    NewLivesDoNotWait: new_lives_do_not_wait breaks B6 and B7;
    /// Who waits for a forget is waited for.
    ForgetWaitsForItsAncestors: forget_waits_for_its_ancestors breaks B6;
    /// Handlers run in tasks of their own, outside of any context.
    HandlersRunOutside: handlers_run_outside breaks B7 and B4 and B8;
    /// Who caused an event is forgotten.
    AncestorsAreForgotten: ancestors_are_forgotten breaks B7 and B6;
    /// `idle` ends at once.
    IdleEndsAtOnce: idle_ends_at_once breaks B8;
    /// `publish` after `close` seems to succeed.
    PublishAfterCloseIsOk: publish_after_close_is_ok breaks B8;
    /// The hooks are told nothing of what `close` dropped.
    CloseTellsNothing: close_tells_nothing breaks B8;
    /// Streams do not end.
    StreamsOutliveClose: streams_outlive_close breaks B8 and B1;
    /// `.*` means tombstones, too.
    TombstonesAreGiven: tombstones_are_given breaks B9;
}

struct Twin(Mutation);

impl BusFixture for Twin {
    type Guard = ();
    type Bus = Broken;

    async fn open(&self, runtime: Arc<dyn Runtime>, hooks: Hooks<Probe>) -> ((), Broken) {
        ((), Broken::new(self.0, runtime, hooks))
    }

    fn name(&self) -> String {
        format!("twin of {:?}", self.0)
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(4)
    }
}

fn broken_laws(mutation: Mutation) -> Vec<LawBroken> {
    let twin = Twin(mutation);
    let checks = CHECKS.iter().map(|check| check.run(&twin));
    let kept = ThreadRuntime.block_on(join_all(checks));
    kept.into_iter().filter_map(Result::err).collect()
}

/// The law finds the bus broken and says all that is needed; no law does that has nothing to do with it.
fn is_broken(mutation: Mutation, law: &str, others: &[&str]) {
    let found = broken_laws(mutation);
    let told: Vec<String> = found.iter().map(ToString::to_string).collect();
    let mine = found.iter().find(|broken| broken.law.number == law);
    let mine = mine.unwrap_or_else(|| panic!("{law} does not find {mutation:?}; found: {told:#?}"));
    let message = mine.to_string();
    for part in [law, mine.law.statement, &format!("twin of {mutation:?}"), &mine.seen] {
        assert!(message.contains(part), "{message:?} does not name {part:?}");
    }
    let innocent = |broken: &&LawBroken| broken.law.number != law && !others.contains(&broken.law.number);
    let wrong: Vec<String> = found.iter().filter(innocent).map(ToString::to_string).collect();
    assert!(
        wrong.is_empty(),
        "{mutation:?} is found by laws that it does not break: {wrong:#?}"
    );
}

#[test]
fn a_whole_bus_breaks_no_law() {
    let found = broken_laws(Mutation::None);
    assert!(found.is_empty(), "{found:#?}");
}

#[test]
fn every_law_of_the_trait_docs_has_a_check_and_a_twin() {
    let docs = include_str!("../../asynx-core/src/bus/mod.rs");
    let written = docs
        .lines()
        .filter_map(|line| line.strip_prefix("/// - **")?.split_once("**"));
    let written: BTreeSet<&str> = written.map(|(number, _)| number).collect();
    let laws: BTreeSet<&str> = LAWS.iter().map(|law| law.number).collect();
    assert_eq!(laws, written);
    assert_eq!(laws, CHECKS.iter().map(|check| check.law.number).collect());
    assert_eq!(laws, MUTATIONS.iter().map(|(_, law)| *law).collect());
    for check in CHECKS {
        let number = check.law.number.to_lowercase();
        assert!(check.name.starts_with(&format!("{number}_")), "{}", check.name);
    }
}

/// An in-process bus with one fault.
struct Broken {
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
    fn new(mutation: Mutation, runtime: Arc<dyn Runtime>, hooks: Hooks<Probe>) -> Self {
        let told = Hooks::default().on_handler_failure(move |event, id, failure| match (mutation, failure) {
            (Mutation::CloseTellsNothing, HandlerFailure::Closed) => {}
            (Mutation::PanicsAreNotTold, HandlerFailure::Panicked(_)) => {}
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
