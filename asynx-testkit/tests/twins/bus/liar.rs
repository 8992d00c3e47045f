//! A bus that tells one lie.

use std::sync::Arc;

use async_trait::async_trait;
use asynx_bus::InProcessBus;
use asynx_core::bus::{
    Delivery, ForgetHandler, HandlerFailure, Hooks, Pattern, Subscription, SubscriptionId, SubscriptionOverflow, Target,
};
use asynx_core::{Ancestry, Bus, BusError, Event, Runtime};
use asynx_testkit::conformance::bus::Probe;
use futures::FutureExt;
use futures::future;

use super::teller::{Teller, nobody};
use crate::lies::Script;

/// A sound bus, but for what the script says.
pub(super) struct Liar {
    sound: InProcessBus<Probe>,
    teller: Teller,
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
