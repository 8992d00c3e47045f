use std::sync::Arc;

use asynx_core::patch::{Document, Patch, Tape};
use asynx_core::{Aggregate, AggregateId};

use super::text;

/// One aggregate as far as it has come: the stored document, and what its type reads from it.
#[derive(Debug)]
pub(super) struct Life<A> {
    pub(super) document: Document,
    pub(super) state: Option<Arc<A>>,
    /// Known from the first command on.
    pub(super) id: Option<AggregateId>,
}

impl<A: Aggregate> Life<A> {
    pub(super) fn begun_by(state: &A) -> Result<Self, String> {
        let tape = Tape::of(state).map_err(|error| format!("the given state cannot be stored: {error}"))?;
        Self::default().followed_by(Document::from(tape.to_json()))
    }

    /// This life with another document, read back from it.
    pub(super) fn followed_by(&self, document: Document) -> Result<Self, String> {
        let state = match document.as_json() {
            None => None,
            Some(json) => {
                let state = json.deserialize::<A>();
                let state = state.map_err(|error| {
                    let category = A::CATEGORY;
                    let document = text::indented(&text::pretty(json));
                    format!("the document is no {category:?}: {error}\n{document}")
                })?;
                Some(Arc::new(state))
            }
        };
        Ok(Self {
            document,
            state,
            id: self.id.clone(),
        })
    }

    /// The document on lines.
    pub(super) fn shown(&self) -> String {
        shown(&self.document)
    }
}

impl<A> Default for Life<A> {
    fn default() -> Self {
        Self {
            document: Document::default(),
            state: None,
            id: None,
        }
    }
}

impl<A> Clone for Life<A> {
    fn clone(&self) -> Self {
        Self {
            document: self.document.clone(),
            state: self.state.clone(),
            id: self.id.clone(),
        }
    }
}

pub(super) fn shown(document: &Document) -> String {
    document.as_json().map_or_else(|| "nothing".to_owned(), text::pretty)
}

/// Applies one event's patch.
pub(super) fn fold(document: &mut Document, event: &str, patch: &Patch) -> Result<(), String> {
    let before = document.clone();
    document.apply_patch(patch).map_err(|error| {
        let (patch, before) = (text::operations(patch), shown(&before));
        let (patch, before) = (text::indented(&patch), text::indented(&before));
        format!("the patch of {event} does not fit: {error}\npatch:\n{patch}\ndocument before:\n{before}")
    })
}
