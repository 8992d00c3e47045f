use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::task::{self, Poll};

use asynx_core::bus::{Handler, SubscriptionId};
use asynx_core::{Ancestry, Bus, Context, Event, Metadata};
use futures::StreamExt;
use futures::channel::mpsc;

use crate::stage::{Stage, Thing, event, label, named, on_every_runtime, staged};

on_every_runtime!(
    called_polled_and_dropped_inside_its_context,
    dropped_by_a_timeout_inside_its_context,
    one_handlers_context_is_not_anothers,
    the_ancestry_leads_through_the_handlers,
    an_endless_chain_keeps_a_short_ancestry,
);

/// Notes in which context it is called, polled and dropped.
struct Watched {
    event: Event<Thing>,
    ends: bool,
    polls: u32,
    note: mpsc::UnboundedSender<(&'static str, Option<String>, bool)>,
    id: Arc<OnceLock<SubscriptionId>>,
}

impl Watched {
    fn note(&self, what: &'static str) {
        let context = Context::current();
        let causation = context.as_ref().and_then(|context| {
            let mut metadata = Metadata::default();
            context.inherit(&mut metadata);
            metadata.causation_id
        });
        let id = *self.id.wait();
        let within =
            context.is_some_and(|context| context.ancestry().contains(id)) && self.event.ancestry().contains(id);
        self.note.unbounded_send((what, causation, within)).unwrap();
    }
}

impl Future for Watched {
    type Output = Result<(), asynx_core::bus::HandlerError>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut task::Context<'_>) -> Poll<Self::Output> {
        self.note("polled");
        self.polls += 1;
        if self.ends && self.polls == 2 {
            return Poll::Ready(Ok(()));
        }
        if self.ends {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl Drop for Watched {
    fn drop(&mut self) {
        self.note("dropped");
    }
}

type Notes = mpsc::UnboundedReceiver<(&'static str, Option<String>, bool)>;

fn watched(ends: bool) -> (Handler<Thing>, Arc<OnceLock<SubscriptionId>>, Notes) {
    let (note, notes) = mpsc::unbounded();
    let id: Arc<OnceLock<SubscriptionId>> = Arc::default();
    let own = Arc::clone(&id);
    let handler: Handler<Thing> = Arc::new(move |event| {
        let watched = Watched {
            event,
            ends,
            polls: 0,
            note: note.clone(),
            id: Arc::clone(&own),
        };
        watched.note("called");
        Box::pin(watched)
    });
    (handler, id, notes)
}

async fn called_polled_and_dropped_inside_its_context(stage: Stage) {
    let (handler, id, notes) = watched(true);
    id.set(stage.subscribe("Made", handler)).unwrap();
    let event = event("a1");
    let cause = Some(event.id.to_string());
    stage.bus.publish(event).unwrap();
    stage.bus.idle().await;
    let notes: Vec<_> = notes.take(4).collect().await;
    assert_eq!(
        notes,
        ["called", "polled", "polled", "dropped"].map(|what| (what, cause.clone(), true))
    );
}

async fn dropped_by_a_timeout_inside_its_context(stage: Stage) {
    let (handler, id, notes) = watched(false);
    id.set(stage.subscribe_with("Made", handler, |options| {
        options.timeout = Some(std::time::Duration::from_millis(5));
    }))
    .unwrap();
    let event = event("a1");
    let cause = Some(event.id.to_string());
    stage.bus.publish(event).unwrap();
    let notes: Vec<_> = notes
        .filter(|note| futures::future::ready(note.0 != "polled"))
        .take(2)
        .collect()
        .await;
    assert_eq!(notes, ["called", "dropped"].map(|what| (what, cause.clone(), true)));
}

async fn one_handlers_context_is_not_anothers(stage: Stage) {
    let (first, mut to_first) = staged();
    let (second, mut to_second) = staged();
    let first = stage.subscribe("Made", first);
    let second = stage.subscribe("Made", second);
    stage.publish("a1");
    let (in_first, in_second) = (to_first.next().await, to_second.next().await);
    assert!(in_first.event.ancestry().contains(first) && !in_first.event.ancestry().contains(second));
    assert!(in_second.event.ancestry().contains(second) && !in_second.event.ancestry().contains(first));
    assert!(Context::current().is_none(), "the test itself runs in none");
}

async fn the_ancestry_leads_through_the_handlers(stage: Stage) {
    let (first, mut to_first) = staged();
    let (second, mut to_second) = staged();
    let first = stage.subscribe("First", first);
    let second = stage.subscribe("Second", second);
    stage.bus.publish(named("First", "a1")).unwrap();
    let outer = to_first.next().await;
    // Published elsewhere, as a processor does, with the ancestry of the sender.
    let caused = named("Second", "b1").with_ancestry(outer.event.ancestry().clone());
    stage.bus.publish(caused).unwrap();
    // And by the handler itself, within its context.
    let inside = outer.event.context();
    inside.enter(|| stage.bus.publish(named("Second", "c1")).unwrap());
    for call in to_second.take(2).await {
        assert!(call.event.ancestry().contains(first), "{}", call.label());
        assert!(call.event.ancestry().contains(second), "{}", call.label());
    }
}

async fn an_endless_chain_keeps_a_short_ancestry(stage: Stage) {
    let (note, mut notes) = mpsc::unbounded();
    let bus = Arc::downgrade(&stage.bus);
    stage.subscribe(
        "Made",
        asynx_core::bus::handler(move |received: Event<Thing>| {
            let (bus, note) = (bus.upgrade().unwrap(), note.clone());
            async move {
                let version = received.version.get();
                if version == 20_000 {
                    note.unbounded_send((label(&received), received.ancestry().clone()))
                        .unwrap();
                } else {
                    bus.publish(event(&format!("a{}", version + 1))).unwrap();
                }
            }
        }),
    );
    stage.publish("a1");
    let (label, ancestry): (String, Ancestry) = notes.next().await.unwrap();
    assert_eq!(label, "a20000");
    assert!(format!("{ancestry:?}").len() < 300, "it has one generation");
}
