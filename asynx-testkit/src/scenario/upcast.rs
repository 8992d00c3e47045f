use std::fmt;
use std::sync::Arc;

use asynx_core::patch::{Document, Json, Patch};
use asynx_core::{Aggregate, EventName, SchemaVersion, Upcast};

use super::life::{Life, fold, shown};
use super::start::or_panic;
use super::text;

/// A stored event.
pub(super) struct Written {
    name: EventName,
    schema: SchemaVersion,
    patch: Patch,
}

impl Written {
    pub(super) fn new(name: &str, schema: SchemaVersion, patch: Json) -> Result<Self, String> {
        let name = EventName::parse(name).map_err(|error| error.to_string())?;
        let patch = parse_patch(patch).map_err(|error| format!("{name}: {error}"))?;
        Ok(Self { name, schema, patch })
    }

    fn upcast(&self, upcast: &dyn Upcast) -> Result<Patch, String> {
        let (name, current) = (&self.name, upcast.current());
        if self.schema > current {
            return Err(format!("{name} has schema {}, newer than {current}", self.schema));
        }
        if self.schema == current {
            return Ok(self.patch.clone());
        }
        let upcasted = upcast.upcast(name, self.schema, self.patch.clone());
        let again = upcast.upcast(name, self.schema, self.patch.clone());
        match (upcasted, again) {
            (Ok(patch), Ok(again)) if patch != again => {
                let difference = text::difference(&text::operations(&patch), &text::operations(&again));
                Err(format!(
                    "the upcaster is not pure: for {name} it gives another patch when run again\n{difference}"
                ))
            }
            (Ok(patch), _) => Ok(patch),
            (Err(error), _) => {
                let patch = text::indented(&text::operations(&self.patch));
                Err(format!("{name} cannot be upcast: {error}\npatch:\n{patch}"))
            }
        }
    }
}

/// The document after each event.
pub(super) fn read(upcast: &dyn Upcast, events: &[Written]) -> Result<Vec<Document>, String> {
    let mut document = Document::default();
    let folded = events.iter().map(|event| {
        fold(&mut document, event.name.as_str(), &event.upcast(upcast)?)?;
        Ok(document.clone())
    });
    folded.collect()
}

/// A patch, from its value or from its text.
pub(super) fn parse_patch(patch: Json) -> Result<Patch, String> {
    let text = match &patch {
        Json::String(text) => text.as_bytes().to_vec(),
        value => value.to_vec(),
    };
    Patch::parse(&text).map_err(|error| format!("what was given is no patch: {error}"))
}

/// Old events, and what an upcaster makes of them.
///
/// ```
/// use asynx_testkit::scenario::UpcastScenario;
/// use asynx_upcast::{Chain, rename};
/// use serde_json::{Value, json};
///
/// let chain = Chain::builder(2).step(1, rename("/total", "amount")).build()?;
/// UpcastScenario::by(chain)
///     .given_events(1, [("OrderCreated", json!([{"op": "add", "path": "", "value": {"total": 12}}]))])
///     .given_events(2, [("OrderPaid", json!([{"op": "replace", "path": "/amount", "value": 0}]))])
///     .then_document(json!({"amount": 0}));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct UpcastScenario {
    upcast: Arc<dyn Upcast>,
    events: Vec<Written>,
}

impl UpcastScenario {
    /// This upcaster is asked.
    #[must_use = "nothing is checked without a `then_...`"]
    pub fn by(upcast: impl Upcast) -> Self {
        Self {
            upcast: Arc::new(upcast),
            events: Vec::new(),
        }
    }

    /// These events follow, written with this schema: each a name and a patch, as `json!` or as JSON text.
    ///
    /// # Panics
    /// On schema 0, and on what is no event name or no patch.
    #[must_use = "nothing is checked without a `then_...`"]
    #[track_caller]
    pub fn given_events<N: AsRef<str>, P: Into<Json>>(
        mut self,
        schema: u32,
        events: impl IntoIterator<Item = (N, P)>,
    ) -> Self {
        let schema = SchemaVersion::new(schema).expect("schemas begin at 1");
        for (name, patch) in events {
            self.events
                .push(or_panic(Written::new(name.as_ref(), schema, patch.into())));
        }
        self
    }

    /// Read with the current schema, the events fold to this document.
    ///
    /// # Panics
    /// When they do not: an event cannot be upcast, its patch does not fit, or the document is another.
    #[track_caller]
    pub fn then_document(self, expected: impl Into<Json>) -> Self {
        let expected = expected.into();
        let actual = self.last();
        if actual.as_json() != Some(&expected) {
            let difference = text::difference(&text::pretty(&expected), &shown(&actual));
            panic!("the events fold to another document\n{difference}");
        }
        self
    }

    /// Read with the current schema, the events fold to a state that is as `check` asserts.
    ///
    /// # Panics
    /// As [`then_document`](Self::then_document), and when the document is no `A`.
    #[track_caller]
    pub fn then_state<A: Aggregate>(self, check: impl FnOnce(&A)) -> Self {
        let life = Life::<A>::default().followed_by(self.last());
        match &or_panic(life).state {
            Some(state) => check(state),
            None => panic!("the events fold to nothing"),
        }
        self
    }

    /// Upcasting commutes with folding: after every event, the document is what `migrate` makes of the document that
    /// the old patches fold to. The events must all be of one schema.
    ///
    /// # Panics
    /// When it is not, with the event after which it shows.
    #[track_caller]
    pub fn then_commutes(self, migrate: impl Fn(Json) -> Json) -> Self {
        if let Some(pair) = self.events.windows(2).find(|pair| pair[0].schema != pair[1].schema) {
            panic!("{} and {} are of different schemas", pair[0].name, pair[1].name);
        }
        let new = or_panic(read(&*self.upcast, &self.events));
        let mut old = Document::default();
        for (event, new) in self.events.iter().zip(new) {
            or_panic(fold(&mut old, event.name.as_str(), &event.patch));
            let expected = old
                .as_json()
                .cloned()
                .map(&migrate)
                .map(Document::from)
                .unwrap_or_default();
            if new != expected {
                let difference = text::difference(&shown(&expected), &shown(&new));
                panic!(
                    "after {} the upcast events fold to another document\n{difference}",
                    event.name
                );
            }
        }
        self
    }

    /// Reading these events is refused for a reason that is as `check` asserts, rather than guessed at.
    ///
    /// # Panics
    /// When they can be read.
    #[track_caller]
    pub fn then_refused(self, check: impl FnOnce(&str)) -> Self {
        match read(&*self.upcast, &self.events) {
            Err(reason) => check(&reason),
            Ok(documents) => {
                let document = documents.last().map_or_else(|| "nothing".to_owned(), shown);
                panic!("the events can be read, and fold to\n{}", text::indented(&document));
            }
        }
        self
    }

    #[track_caller]
    fn last(&self) -> Document {
        let mut documents = or_panic(read(&*self.upcast, &self.events));
        documents.pop().unwrap_or_default()
    }
}

impl fmt::Debug for UpcastScenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpcastScenario")
            .field("events", &self.events.len())
            .finish_non_exhaustive()
    }
}
