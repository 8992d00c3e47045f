use std::sync::Arc;

use asynx_core::bus::{Handler, handler};
use asynx_core::{Aggregate, AggregateId, Event, EventId, EventName, Metadata, Record, SchemaVersion, Timestamp};
use asynx_core::{Context, Version};
use bytes::Bytes;
use futures::channel::{mpsc, oneshot};
use serde::{Deserialize, Serialize};

use crate::ThreadRuntime;

/// The aggregate that the events of the checks are about.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Probe {}

impl Aggregate for Probe {
    const CATEGORY: &'static str = "probe";
}

/// The event `Made` of a label such as `a1`: version 1 of the aggregate `a`.
pub(super) fn made(label: &str) -> Event<Probe> {
    named("Made", label)
}

pub(super) fn named(name: &str, label: &str) -> Event<Probe> {
    event(EventName::parse(name).expect("checks use valid names"), label)
}

pub(super) fn tombstone(label: &str) -> Event<Probe> {
    event(EventName::tombstone(), label)
}

fn event(name: EventName, label: &str) -> Event<Probe> {
    let (aggregate, version) = label.split_at(1);
    let version = version.parse().ok().and_then(Version::new);
    let record = Record::new(
        EventId::generate(&ThreadRuntime),
        name,
        version.expect("a label ends with a version"),
        SchemaVersion::FIRST,
        Timestamp::UNIX_EPOCH,
        Arc::new(Metadata::default()),
        Bytes::from_static(b"[]"),
    );
    let aggregate = AggregateId::parse(aggregate).expect("a label begins with an id");
    Event::new(aggregate, record, None, None, Arc::new(Probe {}))
}

pub(super) fn label(event: &Event<Probe>) -> String {
    format!("{}{}", event.aggregate_id, event.version)
}

/// One call of a staged handler. It goes on when the check answers; dropped, it succeeds.
pub(super) struct Call {
    pub(super) event: Event<Probe>,
    /// That in which the handler was polled.
    pub(super) context: Option<Context>,
    answer: oneshot::Sender<Result<(), String>>,
}

impl Call {
    pub(super) fn label(&self) -> String {
        label(&self.event)
    }

    pub(super) fn end(self) {
        let _ = self.answer.send(Ok(()));
    }

    pub(super) fn fail(self, why: &str) {
        let _ = self.answer.send(Err(why.to_owned()));
    }

    pub(super) fn is_dropped(&self) -> bool {
        self.answer.is_canceled()
    }

    /// Ends when the handler's future was dropped.
    pub(super) async fn dropped(mut self) {
        self.answer.cancellation().await;
    }
}

/// The calls of a staged handler, in their order.
pub(super) type Calls = mpsc::UnboundedReceiver<Call>;

/// A handler whose calls the check answers.
pub(super) fn staged() -> (Handler<Probe>, Calls) {
    let (called, calls) = mpsc::unbounded();
    let handler = handler(move |event: Event<Probe>| {
        let called = called.clone();
        async move {
            let (answer, answered) = oneshot::channel();
            let context = Context::current();
            let _ = called.unbounded_send(Call { event, context, answer });
            drop(called);
            answered.await.unwrap_or(Ok(()))
        }
    });
    (handler, calls)
}

/// The labels of what a handler was given.
pub(super) type Notes = mpsc::UnboundedReceiver<String>;

/// A handler that only notes what it is given.
pub(super) fn noting() -> (Handler<Probe>, Notes) {
    let (note, notes) = mpsc::unbounded();
    let handler = handler(move |event: Event<Probe>| {
        let _ = note.unbounded_send(label(&event));
        std::future::ready(())
    });
    (handler, notes)
}
