use asynx_core::patch::{Document, Json, Operation, Patch, Pointer};
use proptest::prelude::*;
use proptest::sample::Index;

use super::{document, json, key};

/// What becomes an operation once the document is known that it is for.
type Step = (Index, Verb, String, Json);

#[derive(Debug, Clone, Copy)]
enum Verb {
    Add,
    Replace,
    Remove,
}

fn steps() -> impl Strategy<Value = Vec<Step>> + Clone {
    let verb = prop::sample::select(vec![Verb::Add, Verb::Replace, Verb::Remove]);
    prop::collection::vec((any::<Index>(), verb, key(), json()), 0..5)
}

/// Patches of up to four operations that fit the document, each of them what those before it left.
pub fn patch_of(document: Json) -> impl Strategy<Value = Patch> {
    steps().prop_map(move |steps| fitted(&document, steps).0)
}

/// Documents, each with a patch that fits it.
pub fn document_and_patch() -> impl Strategy<Value = (Json, Patch)> {
    (document(), steps()).prop_map(|(document, steps)| {
        let (patch, _) = fitted(&document, steps);
        (document, patch)
    })
}

/// Documents, each with another one that a few changes led to.
pub fn similar_documents() -> impl Strategy<Value = (Json, Json)> {
    (document(), steps()).prop_map(|(document, steps)| {
        let (_, changed) = fitted(&document, steps);
        (document, changed)
    })
}

fn fitted(document: &Json, steps: Vec<Step>) -> (Patch, Json) {
    let mut current = Document::from(document.clone());
    let mut patch = Patch::default();
    for (place, verb, key, value) in steps {
        let Some(root) = current.as_json() else { break };
        let operation = operation(root, place, verb, &key, value);
        let mut next = current.clone();
        // Only what would nest too deep does not fit.
        if operation
            .as_ref()
            .is_some_and(|one| next.apply_patch(&Patch(vec![one.clone()])).is_ok() && next.tape().is_ok())
        {
            patch.0.extend(operation);
            current = next;
        }
    }
    let changed = current.into_json().unwrap_or_default();
    (patch, changed)
}

/// The root stays, so that the document stays an object; an `add` goes into a container.
fn operation(root: &Json, place: Index, verb: Verb, key: &str, value: Json) -> Option<Operation> {
    let mut places = Vec::new();
    collect(root, &Pointer::root(), &mut places);
    let inner = &places[1..];
    Some(match verb {
        Verb::Add => {
            let containers: Vec<_> = places.iter().filter(|(_, json)| is_container(json)).collect();
            let (pointer, container) = containers[place.index(containers.len())];
            let path = match container {
                Json::Array(elements) => pointer.element(place.index(elements.len() + 1)),
                _ => pointer.child(key),
            };
            Operation::Add { path, value }
        }
        _ if inner.is_empty() => return None,
        Verb::Replace => Operation::Replace {
            path: inner[place.index(inner.len())].0.clone(),
            value,
        },
        Verb::Remove => Operation::Remove {
            path: inner[place.index(inner.len())].0.clone(),
        },
    })
}

fn is_container(json: &Json) -> bool {
    matches!(json, Json::Array(_) | Json::Object(_))
}

fn collect<'j>(json: &'j Json, at: &Pointer, places: &mut Vec<(Pointer, &'j Json)>) {
    places.push((at.clone(), json));
    match json {
        Json::Array(elements) => {
            for (index, element) in elements.iter().enumerate() {
                collect(element, &at.element(index), places);
            }
        }
        Json::Object(members) => members
            .iter()
            .for_each(|(key, value)| collect(value, &at.child(key), places)),
        _ => {}
    }
}
