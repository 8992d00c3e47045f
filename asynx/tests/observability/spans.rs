//! What a subscriber saw.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex};

use tracing::Subscriber;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;

/// Every span, in the order in which they began.
#[derive(Clone, Default)]
pub(crate) struct Spans(Arc<Mutex<Vec<Seen>>>);

#[derive(Debug, Clone, Default)]
pub(crate) struct Seen {
    id: u64,
    pub(crate) name: &'static str,
    target: String,
    /// The fields that it may have, in order.
    pub(crate) declared: Vec<&'static str>,
    fields: BTreeMap<&'static str, String>,
    /// Its place in the list.
    pub(crate) parent: Option<usize>,
    pub(crate) follows: Vec<usize>,
    pub(crate) closed: bool,
}

impl Seen {
    pub(crate) fn field(&self, name: &str) -> &str {
        self.fields.get(name).map(String::as_str).unwrap_or("none")
    }

    /// The names of its fields that have a value, sorted.
    pub(crate) fn names(&self) -> Vec<&'static str> {
        self.fields.keys().copied().collect()
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &str> {
        self.fields.values().map(String::as_str)
    }
}

impl Spans {
    /// Sees every span of asynx on this thread, while the guard lives.
    pub(crate) fn subscribe(&self) -> DefaultGuard {
        tracing::subscriber::set_default(tracing_subscriber::registry().with(self.clone()))
    }

    pub(crate) fn all(&self) -> Vec<Seen> {
        self.0.lock().unwrap().clone()
    }

    pub(crate) fn named(&self, name: &str) -> Vec<Seen> {
        self.all().into_iter().filter(|seen| seen.name == name).collect()
    }

    fn change(&self, id: &Id, change: impl FnOnce(&mut Seen)) {
        let mut all = self.0.lock().unwrap();
        // The newest, since ids are used again.
        if let Some(seen) = all.iter_mut().rev().find(|seen| seen.id == id.into_u64()) {
            change(seen);
        }
    }

    fn place(&self, id: &Id) -> Option<usize> {
        let all = self.0.lock().unwrap();
        all.iter().rposition(|seen| seen.id == id.into_u64())
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Spans {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut seen = Seen {
            id: id.into_u64(),
            name: attributes.metadata().name(),
            declared: attributes.fields().iter().map(|field| field.name()).collect(),
            target: attributes.metadata().target().to_owned(),
            ..Seen::default()
        };
        let parent = context.span(id).and_then(|span| Some(span.parent()?.id()));
        seen.parent = parent.and_then(|parent| self.place(&parent));
        attributes.record(&mut Fields(&mut seen));
        if seen.name.starts_with("asynx.") {
            assert_eq!(seen.target, "asynx");
        }
        self.0.lock().unwrap().push(seen);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, _: Context<'_, S>) {
        self.change(id, |seen| values.record(&mut Fields(seen)));
    }

    fn on_follows_from(&self, id: &Id, follows: &Id, _: Context<'_, S>) {
        let place = self.place(follows).unwrap();
        self.change(id, |seen| seen.follows.push(place));
    }

    fn on_close(&self, id: Id, _: Context<'_, S>) {
        self.change(&id, |seen| seen.closed = true);
    }
}

struct Fields<'a>(&'a mut Seen);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.fields.insert(field.name(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.fields.insert(field.name(), value.to_owned());
    }
}
